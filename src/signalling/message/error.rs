//! What the server refuses, as programs see it.

use serde::{Deserialize, Serialize};

/// Why the server refused something.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Hash, Serialize, Deserialize)]
#[cfg_attr(feature = "fuzzing", derive(arbitrary::Arbitrary))]
#[serde(rename_all = "kebab-case")]
pub enum ErrorCode {
    /// Not JSON, or a field is missing or of the wrong type.
    Malformed,
    /// A `type` this server does not know.
    UnknownMessage,
    /// No version in common.
    UnsupportedVersion,
    /// The message has no place at this point of the connection.
    OutOfOrder,
    /// The call's or the user's name is empty, too long, or has control characters.
    BadName,
    /// No such participant in the call.
    UnknownParticipant,
    /// The resume key is not that of the session.
    BadResume,
    /// A stated limit was passed.
    LimitExceeded,
    /// The same session came back on another connection, which goes on.
    Replaced,
    /// The server asks for a token and there is none.
    TokenRequired,
    /// The token cannot be read, or lacks a claim.
    TokenMalformed,
    /// The token is signed with another algorithm than HS256, or not at all.
    TokenAlgorithm,
    /// The token is not signed with this server's secret.
    TokenSignature,
    /// The token's time is over.
    TokenExpired,
    /// The token's time has not come.
    TokenNotYetValid,
    /// The token is another user's.
    TokenUser,
    /// The token does not open this call.
    TokenCall,
    /// The token does not allow to call others.
    TokenPlace,
    /// Nobody of an `invite` is rung: a name is none, or the call has no room for them. The call
    /// goes on.
    InviteRefused,
    /// A placed call that this user was not called into, or that is over.
    NotInvited,
    /// The incoming call rings no more.
    IncomingGone,
    /// Nobody waits for calls as the user who was called.
    CalleeUnknown,
    /// Who was called is in another call.
    CalleeBusy,
    /// Who was called declined.
    CalleeDeclined,
    /// Who was called did not answer in time.
    CalleeNoAnswer,
    /// A code this version does not know.
    #[serde(other)]
    Other,
}

impl ErrorCode {
    /// Whether it is about the token. Another attempt with the same one is of no use.
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

    /// Whether the server closes the connection after it.
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
