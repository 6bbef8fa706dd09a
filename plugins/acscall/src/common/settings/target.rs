//! Which call to join, place or answer.

use acscall::call::Target;

use super::{BadProperty, CallProperties, check_name, present};

impl CallProperties {
    /// Returns the call to join, place or answer as `user`.
    pub(super) fn target(&self, user: &str) -> Result<Target, BadProperty> {
        let call = present(&self.call);
        let callees = callees("callee", present(&self.callee).unwrap_or_default(), user)?;
        let waits = match (self.auto_accept, self.incoming) {
            (true, _) => Some("auto-accept"),
            (false, true) => Some("incoming"),
            (false, false) => None,
        };
        let set = [
            call.map(|_| "call"),
            (!callees.is_empty()).then_some("callee"),
            waits,
        ];
        let mut set = set.into_iter().flatten();
        if let (Some(first), Some(second)) = (set.next(), set.next()) {
            return Err(BadProperty::TwoCalls(first, second));
        }
        match call {
            Some(call) => {
                check_name("call", call)?;
                Ok(Target::Join(call.into()))
            }
            None if !callees.is_empty() => Ok(Target::Place(callees)),
            None if waits.is_some() => Ok(Target::Answer {
                automatically: self.auto_accept,
            }),
            None => Err(BadProperty::NoCall),
        }
    }
}

/// Splits a comma-separated list of users and removes duplicates. Errors name it as `property`.
/// `caller` must not be in it.
pub(in crate::common) fn callees(
    property: &'static str,
    list: &str,
    caller: &str,
) -> Result<Vec<String>, BadProperty> {
    let mut callees: Vec<String> = Vec::new();
    for user in list.split(',').map(str::trim).filter(|u| !u.is_empty()) {
        check_name(property, user)?;
        if user == caller {
            return Err(BadProperty::OwnUser(user.into()));
        }
        if !callees.iter().any(|known| known == user) {
            callees.push(user.into());
        }
    }
    Ok(callees)
}
