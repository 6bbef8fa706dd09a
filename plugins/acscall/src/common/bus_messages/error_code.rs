//! What went wrong, in GStreamer's codes.

use acscall::call::CallError;
use acscall::signalling::message::ErrorCode;

/// The code of `trouble`.
pub(super) fn cause(trouble: &CallError) -> gst::ResourceError {
    match trouble {
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
    fn who_calls_is_told_by_the_code_what_became_of_it() {
        let cases = [
            (ErrorCode::CalleeUnknown, gst::ResourceError::NotFound),
            (ErrorCode::CalleeBusy, gst::ResourceError::Busy),
            (ErrorCode::CalleeDeclined, gst::ResourceError::Close),
            (ErrorCode::CalleeNoAnswer, gst::ResourceError::Close),
            (ErrorCode::TokenPlace, gst::ResourceError::NotAuthorized),
            (ErrorCode::NotInvited, gst::ResourceError::NotAuthorized),
        ];
        for (code, wanted) in cases {
            let message = "no".to_owned();
            assert_eq!(cause(&CallError::Refused { code, message }), wanted);
        }
    }

    #[test]
    fn who_is_refused_for_the_token_is_not_authorized() {
        let cause = |code| {
            let message = "no".to_owned();
            cause(&CallError::Refused { code, message })
        };
        let not_authorized = gst::ResourceError::NotAuthorized;
        assert_eq!(cause(ErrorCode::TokenRequired), not_authorized);
        assert_eq!(cause(ErrorCode::TokenExpired), not_authorized);
        assert_eq!(
            cause(ErrorCode::UnsupportedVersion),
            gst::ResourceError::OpenReadWrite
        );
    }
}
