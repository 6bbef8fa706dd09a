//! The checked arguments and credentials of a bridge.

use acscall::server::Secret;
use acscall::signalling::client::ServerUrl;
use serde_json::{Value, json};

use super::console::Verbosity;
use super::credentials::{ACS_TOKEN, AGORA_SCREEN_TOKEN, AGORA_TOKEN, Credential};
use super::end::{Failure, Result};
use super::options::{Acs, Agora, Common, Options, Service};
use crate::command::secret;

/// The user name of the bridge itself in our call.
pub(super) const USER: &str = "bridge";

/// What this program knows of a service; the rest is in the page.
pub(super) struct Kind {
    /// The name in messages.
    pub(super) name: &'static str,
    /// The script in `web/` that makes the bridge in Chromium.
    pub(super) script: &'static str,
    /// The packages of its SDK. The version of the first one is printed.
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

/// The plan of a bridge.
pub(super) struct Plan {
    pub(super) kind: &'static Kind,
    /// The options for the page, including credentials. Never print it.
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
            Service::Acs(acs) => acs_plan(*acs),
            Service::Agora(agora) => agora_plan(*agora),
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

    fn add_credential(&mut self, name: &str, credential: Option<Credential>) {
        self.page[name] = json!(credential);
        self.credentials.extend(credential);
    }
}

fn acs_plan(acs: Acs) -> Result<Plan> {
    let token = Credential::find(acs.token_file.as_deref(), ACS_TOKEN)?.ok_or_else(|| {
        let text = "ACS requires a user's access token: name its file with --token-file (- for standard \
                    input), or set ACS_TOKEN";
        Failure::Arguments(text.to_owned())
    })?;
    let page = json!({
        "group": acs.place.group,
        "meetingLink": acs.place.meeting_link,
        "callees": acs.place.call,
        "displayName": acs.display_name,
    });
    let mut plan = Plan::with(acs.common, &ACS, page)?;
    plan.add_credential("token", Some(token));
    Ok(plan)
}

fn agora_plan(agora: Agora) -> Result<Plan> {
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
    plan.add_credential("token", token);
    plan.add_credential("screenToken", screen_token);
    Ok(plan)
}
