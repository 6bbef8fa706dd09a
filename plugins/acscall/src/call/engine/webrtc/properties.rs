//! Properties of objects that webrtcbin makes, for use in its callbacks. The accessors of the
//! bindings panic if a property is missing or has another type, and a panic in a callback aborts
//! the process.

use gst::glib;
use gst::prelude::*;

use crate::call::CAT;

/// Returns a property's value. Logs a warning if the object has no such property of this type.
pub(super) fn get<T>(object: &impl IsA<glib::Object>, name: &str) -> Option<T>
where
    T: for<'a> glib::value::FromValue<'a> + 'static,
{
    let object = object.as_ref();
    let readable = object
        .find_property(name)
        .filter(|property| property.flags().contains(glib::ParamFlags::READABLE));
    let value = readable.and_then(|_| object.property_value(name).get::<T>().ok());
    if value.is_none() {
        gst::warning!(CAT, "{} gives no '{name}'", object.type_());
    }
    value
}

/// Sets a property. Logs a warning if the object has no such property of this type.
pub(super) fn set(object: &impl IsA<glib::Object>, name: &str, value: impl Into<glib::Value>) {
    let (object, value) = (object.as_ref(), value.into());
    let settable = object.find_property(name).is_some_and(|property| {
        property.flags().contains(glib::ParamFlags::WRITABLE)
            && value.type_().is_a(property.value_type())
    });
    if settable {
        object.set_property_from_value(name, &value);
    } else {
        gst::warning!(CAT, "{} takes no '{name}'", object.type_());
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_property_that_is_missing_or_of_another_type_does_not_panic() {
        gst::init().unwrap();
        let element = gst::ElementFactory::make("identity").build().unwrap();
        set(&element, "missing", 1u32);
        set(&element, "sync", 1u32);
        set(&element, "last-message", "read-only");
        assert_eq!(get::<u32>(&element, "missing"), None);
        assert_eq!(get::<u32>(&element, "sync"), None);
        set(&element, "sync", true);
        assert_eq!(get::<bool>(&element, "sync"), Some(true));
    }
}
