//! Error codes of the server.

use serde::{Deserialize, Serialize};

/// The code of an error.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Hash, Serialize, Deserialize)]
#[cfg_attr(feature = "fuzzing", derive(arbitrary::Arbitrary))]
#[serde(rename_all = "kebab-case")]
pub enum ErrorCode {
    /// Not JSON, or a field is missing or of the wrong type.
    Malformed,
    /// The server does not know this `type`.
    UnknownMessage,
    /// No version in common.
    UnsupportedVersion,
    /// The message is not allowed at this point of the connection.
    OutOfOrder,
    /// The call's or the user's name is empty, too long, or has control characters.
    BadName,
    /// The call has no such participant.
    UnknownParticipant,
    /// The resume key does not belong to the session.
    BadResume,
    /// A documented limit was exceeded.
    LimitExceeded,
    /// The session was resumed on another connection.
    Replaced,
    /// The server requires a token.
    TokenRequired,
    /// The token cannot be read, or lacks a claim.
    TokenMalformed,
    /// The token is signed with another algorithm than HS256, or not at all.
    TokenAlgorithm,
    /// The token is not signed with this server's secret.
    TokenSignature,
    /// The token has expired.
    TokenExpired,
    /// The token is not valid yet.
    TokenNotYetValid,
    /// The token belongs to another user.
    TokenUser,
    /// The token does not open this call.
    TokenCall,
    /// The token does not permit placing calls.
    TokenPlace,
    /// None of the users of an `invite` is rung: a name is invalid, or the call is full. The call
    /// continues.
    InviteRefused,
    /// The user was not invited to this placed call, or the call has ended.
    NotInvited,
    /// The incoming call no longer rings.
    IncomingGone,
    /// Nobody listens as the called user.
    CalleeUnknown,
    /// The called user is busy with another call.
    CalleeBusy,
    /// The called user declined.
    CalleeDeclined,
    /// The called user did not answer in time.
    CalleeNoAnswer,
    /// A code that this version does not know.
    #[serde(other)]
    Other,
}

impl ErrorCode {
    /// Whether the token is the problem. Retrying with the same token is useless.
    pub fn is_about_token(self) -> bool {
        matches!(
            self,
            ErrorCode::TokenRequired
                | ErrorCode::TokenMalformed
                | ErrorCode::TokenAlgorithm
                | ErrorCode::TokenSignature
                | ErrorCode::TokenExpired
                | ErrorCode::TokenNotYetValid
                | ErrorCode::TokenUser
                | ErrorCode::TokenCall
                | ErrorCode::TokenPlace
        )
    }

    /// Whether the server closes the connection after this error.
    pub fn is_fatal(self) -> bool {
        !matches!(
            self,
            ErrorCode::UnknownMessage
                | ErrorCode::UnknownParticipant
                | ErrorCode::OutOfOrder
                | ErrorCode::TokenPlace
                | ErrorCode::IncomingGone
                | ErrorCode::InviteRefused
                | ErrorCode::Other
        )
    }
}
