//! The errors of a call as GStreamer's error codes.

use acscall::call::CallError;
use acscall::signalling::message::ErrorCode;

/// Returns the code that an element posts `error` with.
pub(super) fn error_code(error: &CallError) -> gst::ResourceError {
    match error {
        CallError::Unreachable(_) => gst::ResourceError::OpenReadWrite,
        CallError::SignallingLost(_) => gst::ResourceError::Read,
        CallError::Refused { code, .. } => match *code {
            ErrorCode::BadName => gst::ResourceError::Settings,
            ErrorCode::LimitExceeded => gst::ResourceError::NoSpaceLeft,
            ErrorCode::BadResume | ErrorCode::Replaced | ErrorCode::CalleeBusy => {
                gst::ResourceError::Busy
            }
            ErrorCode::UnknownParticipant | ErrorCode::CalleeUnknown | ErrorCode::IncomingGone => {
                gst::ResourceError::NotFound
            }
            ErrorCode::CalleeDeclined | ErrorCode::CalleeNoAnswer => gst::ResourceError::Close,
            ErrorCode::NotInvited => gst::ResourceError::NotAuthorized,
            code if code.is_about_token() => gst::ResourceError::NotAuthorized,
            _ => gst::ResourceError::OpenReadWrite,
        },
        CallError::NoIncoming(_) | CallError::Uninvited(_) => gst::ResourceError::NotFound,
        CallError::Ended(_) => gst::ResourceError::Close,
        CallError::Media(_)
        | CallError::Leg(..)
        | CallError::Rejected(..)
        | CallError::LegRefused(..) => gst::ResourceError::Failed,
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_code_says_why_a_callee_does_not_come() {
        let cases = [
            (ErrorCode::CalleeUnknown, gst::ResourceError::NotFound),
            (ErrorCode::CalleeBusy, gst::ResourceError::Busy),
            (ErrorCode::CalleeDeclined, gst::ResourceError::Close),
            (ErrorCode::CalleeNoAnswer, gst::ResourceError::Close),
            (ErrorCode::TokenPlace, gst::ResourceError::NotAuthorized),
            (ErrorCode::NotInvited, gst::ResourceError::NotAuthorized),
        ];
        for (code, expected) in cases {
            let message = "no".to_owned();
            let error = CallError::Refused { code, message };
            assert_eq!(error_code(&error), expected);
        }
    }

    #[test]
    fn a_rejected_token_is_not_authorized() {
        let code_of = |code| {
            let message = "no".to_owned();
            error_code(&CallError::Refused { code, message })
        };
        let not_authorized = gst::ResourceError::NotAuthorized;
        assert_eq!(code_of(ErrorCode::TokenRequired), not_authorized);
        assert_eq!(code_of(ErrorCode::TokenExpired), not_authorized);
        assert_eq!(
            code_of(ErrorCode::UnsupportedVersion),
            gst::ResourceError::OpenReadWrite
        );
    }
}
