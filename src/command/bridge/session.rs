//! Runs a bridge from start to end.

use std::fmt::Display;
use std::sync::Arc;
use std::time::Duration;

use serde_json::{Value, json};
use tokio::time::{Instant, MissedTickBehavior, interval, timeout};

use super::browser::{Chromium, CommandError, Event, find};
use super::calls::Calls;
use super::console::{Console, StatusColor};
use super::end::{Failure, Result};
use super::page::{Ending, PageServer, Report};
use super::plan::{Plan, USER};
use super::sdk::Sdk;
use super::signals::Signals;
use super::status::Status;

/// The time for Chromium to start and to load the page with its SDK (megabytes of scripts).
const START: Duration = Duration::from_secs(60);
/// The time for the other call to admit us, to ring, or to refuse. ACS reports after 19 s that it is
/// unreachable; Agora tries for ever.
const JOIN: Duration = Duration::from_secs(90);
/// The page reports every second. After this time without a report it counts as gone.
const SILENCE: Duration = Duration::from_secs(30);
/// The time for the page to hang up both calls. The page gives the other call 5 s.
const FAREWELL: Duration = Duration::from_secs(8);
/// Time between status lines if there is no live line.
const LINES: Duration = Duration::from_secs(10);

/// The function that the page calls to report.
const REPORT: &str = "acscallReport";

/// Runs the bridge and returns why it ended.
pub(super) async fn run(plan: &Plan, console: &Arc<Console>) -> Result<String> {
    let mut signals = Signals::listen().map_err(machine("cannot listen for signals"))?;
    let sdk = Sdk::find(&plan.sdk, plan.kind.packages)?;
    let program = find(plan.chromium.as_deref())?;
    let calls = Calls::new(plan.server.clone(), plan.into.clone(), plan.secret.clone());
    let calls = Arc::new(calls);
    calls.check(USER).await?;
    let software = sdk.name().to_owned();
    let page = PageServer::start(plan.kind.script, sdk, calls);
    let page = page.await.map_err(machine("cannot serve the page"))?;
    let chromium = Chromium::start(&program, console);
    let mut session = Session {
        plan,
        console,
        page,
        chromium: chromium.map_err(machine("cannot start Chromium"))?,
        has_begun: false,
    };
    if session.chromium.is_unprotected {
        console.warn("Chromium runs without its sandbox, because this user is root: use another user if you can");
    }
    console.say(&format!(
        "{} into {} at {}, with {software} in {}",
        plan.kind.name,
        plan.into,
        plan.server,
        program.display()
    ));
    let ended = tokio::select! {
        ended = session.bridge() => ended,
        signal = signals.next() => Ok(format!("stopped by {signal}")),
    };
    if !matches!(ended, Err(Failure::Browser(_))) {
        // A second signal skips the hang-up.
        tokio::select! {
            () = session.hang_up() => {}
            _ = signals.next() => {}
        }
    }
    session.chromium.end().await;
    ended
}

struct Session<'a> {
    plan: &'a Plan,
    console: &'a Console,
    page: PageServer,
    chromium: Chromium,
    /// `begin` was called in the page, and `stop` was not.
    has_begun: bool,
}

impl Session<'_> {
    /// Loads the page, joins both calls, and follows them until the bridge ends.
    async fn bridge(&mut self) -> Result<String> {
        match timeout(START, self.load()).await {
            Ok(loaded) => loaded?,
            Err(_) => {
                let seconds = START.as_secs();
                return Err(self.unusable(&format!("the page did not load within {seconds} s")));
            }
        }
        self.begin().await.map_err(|error| died(&error))?;
        self.follow().await
    }

    /// Loads the page and waits until it is ready.
    async fn load(&mut self) -> Result<()> {
        let opened = self.open().await;
        opened.map_err(|error| self.unusable(&error))?;
        loop {
            let event = self.chromium.tools.event().await;
            let event = event.map_err(|error| self.unusable(&error))?;
            match self.report(&event)? {
                Some(Report::Ready) => return Ok(()),
                Some(Report::Over { reason, .. }) => return Err(Failure::Machine(reason)),
                _ => {}
            }
        }
    }

    async fn open(&mut self) -> std::result::Result<(), CommandError> {
        self.chromium.open_page().await?;
        let url = self.page.url();
        for (method, parameters) in [
            ("Inspector.enable", json!({})),
            ("Log.enable", json!({})),
            ("Runtime.enable", json!({})),
            ("Runtime.addBinding", json!({ "name": REPORT })),
            ("Page.navigate", json!({ "url": url })),
        ] {
            self.chromium.tools.command(method, parameters).await?;
        }
        Ok(())
    }

    /// Makes the page join both calls. The credentials take only this way.
    async fn begin(&mut self) -> std::result::Result<(), CommandError> {
        let mut options = self.plan.page.clone();
        options["server"] = json!(self.page.calls());
        self.has_begun = true;
        self.call("begin", options).await
    }

    /// Calls a global function of the page without waiting for its result.
    async fn call(&mut self, name: &str, argument: Value) -> std::result::Result<(), CommandError> {
        let tools = &mut self.chromium.tools;
        let window = json!({ "expression": "globalThis" });
        let window = tools.command("Runtime.evaluate", window).await?;
        let call = json!({
            "objectId": window["result"]["objectId"],
            "functionDeclaration": format!("function (argument) {{ this.{name}(argument); }}"),
            "arguments": [{ "value": argument }],
        });
        tools.command("Runtime.callFunctionOn", call).await?;
        Ok(())
    }

    /// Prints what happens until the bridge ends.
    async fn follow(&mut self) -> Result<String> {
        let mut status = Status::new(self.plan.from.is_some(), Instant::now());
        let mut lines = interval(LINES);
        lines.set_missed_tick_behavior(MissedTickBehavior::Delay);
        lines.tick().await;
        let mut last_report = Instant::now();
        loop {
            let event = tokio::select! {
                event = self.chromium.tools.event() => event.map_err(|error| died(&error))?,
                _ = lines.tick(), if !self.console.is_live() => {
                    self.console.say(&status.line(Instant::now()).join("; "));
                    continue;
                }
                () = tokio::time::sleep_until(last_report + SILENCE) => {
                    let text = format!("no report from its page for {} s", SILENCE.as_secs());
                    return Err(died(&text));
                }
            };
            let Some(report) = self.report(&event)? else {
                continue;
            };
            last_report = Instant::now();
            let news = match report {
                Report::Over { ending, reason } => {
                    return match ending {
                        Ending::Over => Ok(reason),
                        Ending::Refused => Err(Failure::Service(reason)),
                        Ending::Unusable => Err(Failure::Machine(reason)),
                    };
                }
                Report::Trouble { message } => {
                    self.console.warn(&format!("warning: {message}"));
                    None
                }
                other => status.update(other, last_report),
            };
            let color = match status.is_connected() {
                true => StatusColor::Green,
                false => StatusColor::Yellow,
            };
            self.console
                .show(color, &status.line(last_report).join(" │ "));
            if let Some(news) = news {
                self.console.say(&news);
            }
            if status.is_joining() && last_report > status.since() + JOIN {
                return Err(Failure::Service(format!(
                    "{} did not admit the bridge within {} s: check that this machine can reach \
                     it; --verbose shows the output of its SDK",
                    self.plan.kind.name,
                    JOIN.as_secs()
                )));
            }
        }
    }

    /// Returns the report of the page in this event, if any. Prints messages about the page.
    fn report(&self, event: &Event) -> Result<Option<Report>> {
        let Event { method, parameters } = event;
        match method.as_str() {
            "Runtime.bindingCalled" if parameters["name"] == REPORT => {
                let payload = parameters["payload"].as_str().unwrap_or_default();
                match serde_json::from_str(payload) {
                    Ok(report) => return Ok(Some(report)),
                    Err(error) => self
                        .console
                        .warn(&format!("cannot read a report of the page: {error}")),
                }
            }
            "Inspector.targetCrashed" => return Err(died(&"its page crashed")),
            "Inspector.detached" => return Err(died(&"its page was closed")),
            "Runtime.consoleAPICalled" => {
                let kind = parameters["type"].as_str().unwrap_or_default();
                self.console.detail(&format!(
                    "page {kind}: {}",
                    console_text(&parameters["args"])
                ));
            }
            "Runtime.exceptionThrown" => {
                let details = &parameters["exceptionDetails"];
                let what = details["exception"]["description"].as_str();
                let what = what.or(details["text"].as_str()).unwrap_or_default();
                self.console.detail(&format!("page exception: {what}"));
            }
            "Log.entryAdded" => {
                let entry = &parameters["entry"];
                let (text, url) = (&entry["text"], &entry["url"]);
                let text = text.as_str().unwrap_or_default();
                let url = url.as_str().unwrap_or_default();
                self.console.detail(&format!("page log: {text} {url}"));
            }
            _ => {}
        }
        Ok(None)
    }

    /// Makes the page hang up both calls.
    async fn hang_up(&mut self) {
        if !std::mem::take(&mut self.has_begun) {
            return;
        }
        self.console.show(StatusColor::Yellow, "Hanging up");
        let farewell = async {
            self.call("stop", json!(null)).await.ok()?;
            loop {
                let event = self.chromium.tools.event().await.ok()?;
                if let Some(Report::Stopped) = self.report(&event).ok()? {
                    return Some(());
                }
            }
        };
        if timeout(FAREWELL, farewell).await.is_err() {
            self.console
                .warn("the page did not hang up in time; the others will see a lost connection");
        }
    }

    /// Returns the failure of a Chromium that never worked. Its last output may say why.
    fn unusable(&self, error: &dyn Display) -> Failure {
        let output = self.chromium.last_output();
        Failure::Machine(match output.is_empty() {
            true => format!("cannot use Chromium: {error}"),
            false => format!("cannot use Chromium: {error}; its last output: {output}"),
        })
    }
}

/// Returns the failure of a Chromium that ended.
fn died(error: &dyn Display) -> Failure {
    Failure::Browser(format!("Chromium ended: {error}"))
}

fn machine(what: &'static str) -> impl Fn(std::io::Error) -> Failure {
    move |error| Failure::Machine(format!("{what}: {error}"))
}

/// Returns the text of a call of the page's console.
fn console_text(arguments: &Value) -> String {
    let arguments = arguments.as_array().into_iter().flatten();
    let texts = arguments.map(|argument| {
        let shown = argument.get("value").or(argument.get("description"));
        match shown {
            Some(Value::String(text)) => text.clone(),
            Some(other) => other.to_string(),
            None => String::new(),
        }
    });
    Vec::from_iter(texts).join(" ")
}
