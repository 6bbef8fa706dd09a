//! What is to be done, made of the arguments and checked as far as that can be without doing it.

use acscall::server::Secret;
use acscall::signalling::client::ServerUrl;
use serde_json::{Value, json};

use super::console::Verbosity;
use super::credentials::{ACS_TOKEN, AGORA_SCREEN_TOKEN, AGORA_TOKEN, Credential};
use super::end::{Failure, Result};
use super::options::{Acs, Agora, Common, Options, Service};
use crate::command::secret;

/// The user that the bridge itself is in our call.
pub(super) const USER: &str = "bridge";

/// The other service, as far as it is not the page's to know.
pub(super) struct Kind {
    /// For people.
    pub(super) name: &'static str,
    /// What makes the bridge in Chromium, of `web/`.
    pub(super) script: &'static str,
    /// The packages of its SDK. The first one's version is told.
    pub(super) packages: &'static [&'static str],
}

static ACS: Kind = Kind {
    name: "ACS",
    script: "bridge/page/acs.js",
    packages: &[
        "@azure/communication-calling",
        "@azure/communication-common",
    ],
};

static AGORA: Kind = Kind {
    name: "Agora",
    script: "bridge/page/agora.js",
    packages: &["agora-rtc-sdk-ng"],
};

/// A bridge to be.
pub(super) struct Plan {
    pub(super) kind: &'static Kind,
    /// What the page is told, credentials included. Not to be printed.
    pub(super) page: Value,
    pub(super) credentials: Vec<Credential>,
    pub(super) into: String,
    pub(super) from: Option<String>,
    pub(super) server: ServerUrl,
    pub(super) secret: Option<Secret>,
    pub(super) sdk: std::path::PathBuf,
    pub(super) chromium: Option<std::path::PathBuf>,
    pub(super) verbosity: Verbosity,
}

impl Plan {
    pub(super) fn new(options: Options) -> Result<Plan> {
        match options.service {
            Service::Acs(acs) => of_acs(*acs),
            Service::Agora(agora) => of_agora(*agora),
        }
    }

    fn with(common: Common, kind: &'static Kind, page: Value) -> Result<Plan> {
        let secret = secret::find(common.secret_file.as_deref())
            .map_err(|error| Failure::Arguments(error.to_string()))?;
        let mut plan = Plan {
            kind,
            page,
            credentials: Vec::new(),
            into: common.into,
            from: common.from,
            server: common.server,
            secret,
            sdk: common.sdk,
            chromium: common.chromium,
            verbosity: match (common.quiet, common.verbose) {
                (true, _) => Verbosity::Quiet,
                (false, true) => Verbosity::Verbose,
                (false, false) => Verbosity::Normal,
            },
        };
        plan.page["user"] = json!(USER);
        plan.page["into"] = json!(plan.into);
        plan.page["from"] = json!(plan.from);
        Ok(plan)
    }

    fn give(&mut self, name: &str, credential: Option<Credential>) {
        self.page[name] = json!(credential);
        self.credentials.extend(credential);
    }
}

fn of_acs(acs: Acs) -> Result<Plan> {
    let token = Credential::find(acs.token_file.as_deref(), ACS_TOKEN)?.ok_or_else(|| {
        let text = "ACS needs the access token of a user: name its file with --token-file (- for \
                    standard input), or set ACS_TOKEN";
        Failure::Arguments(text.to_owned())
    })?;
    let page = json!({
        "group": acs.place.group,
        "meetingLink": acs.place.meeting_link,
        "callees": acs.place.call,
        "displayName": acs.display_name,
    });
    let mut plan = Plan::with(acs.common, &ACS, page)?;
    plan.give("token", Some(token));
    Ok(plan)
}

fn of_agora(agora: Agora) -> Result<Plan> {
    let token = Credential::find(agora.token_file.as_deref(), AGORA_TOKEN)?;
    let screen_token = match agora.screen_uid {
        Some(_) => Credential::find(agora.screen_token_file.as_deref(), AGORA_SCREEN_TOKEN)?,
        None => None,
    };
    let page = json!({
        "appId": agora.app_id,
        "channel": agora.channel,
        "uid": agora.uid,
        "screenUid": agora.screen_uid,
    });
    let mut plan = Plan::with(agora.common, &AGORA, page)?;
    plan.give("token", token);
    plan.give("screenToken", screen_token);
    Ok(plan)
}
