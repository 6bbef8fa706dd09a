//! A bridge from its beginning to its end.

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

/// The time for Chromium to start, and for the page with its SDK (megabytes of scripts) to load.
const START: Duration = Duration::from_secs(60);
/// The time for the other call to take us in, to ring, or to say no. ACS takes 19 s to say that it
/// cannot be reached; Agora tries for ever.
const JOIN: Duration = Duration::from_secs(90);
/// The page reports every second: it counts as gone after this time without a word.
const SILENCE: Duration = Duration::from_secs(30);
/// The time for the page to hang up both calls: the bridge itself gives the other one 5 s.
const FAREWELL: Duration = Duration::from_secs(8);
/// Time between lines where there is no live one.
const LINES: Duration = Duration::from_secs(10);

/// What the page calls to report.
const REPORT: &str = "acscallReport";

/// Bridges until it is over, and says why it is.
pub(super) async fn run(plan: &Plan, console: &Arc<Console>) -> Result<String> {
    let mut signals = Signals::listen().map_err(machine("signals cannot be listened for"))?;
    let sdk = Sdk::find(&plan.sdk, plan.kind.packages)?;
    let program = find(plan.chromium.as_deref())?;
    let calls = Calls::new(plan.server.clone(), plan.into.clone(), plan.secret.clone());
    let calls = Arc::new(calls);
    calls.check(USER).await?;
    let software = sdk.name().to_owned();
    let page = PageServer::start(plan.kind.script, sdk, calls);
    let page = page.await.map_err(machine("the page cannot be served"))?;
    let chromium = Chromium::start(&program, console);
    let mut session = Session {
        plan,
        console,
        page,
        chromium: chromium.map_err(machine("Chromium cannot be started"))?,
        is_begun: false,
    };
    if session.chromium.is_unprotected {
        console.warn("Chromium runs without its sandbox, as root's has to: better be another user");
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
        signal = signals.next() => Ok(format!("ended by {signal}")),
    };
    if !matches!(ended, Err(Failure::Browser(_))) {
        // Who is in a hurry gets no farewell.
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
    /// The page was told to begin, and was not told to stop.
    is_begun: bool,
}

impl Session<'_> {
    /// Everything between the start of Chromium and the end of the bridge.
    async fn bridge(&mut self) -> Result<String> {
        match timeout(START, self.load()).await {
            Ok(loaded) => loaded?,
            Err(_) => {
                let seconds = START.as_secs();
                return Err(self.unusable(&format!("the page is not loaded after {seconds} s")));
            }
        }
        self.begin().await.map_err(|error| died(&error))?;
        self.follow().await
    }

    /// Loads the page, until it takes orders.
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

    /// Has the page join both calls. The credentials take this way and no other.
    async fn begin(&mut self) -> std::result::Result<(), CommandError> {
        let mut options = self.plan.page.clone();
        options["server"] = json!(self.page.calls());
        self.is_begun = true;
        self.call("begin", options).await
    }

    /// Calls a function that the page has made global, and does not wait for it.
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

    /// Tells what happens until the bridge is over.
    async fn follow(&mut self) -> Result<String> {
        let mut status = Status::new(self.plan.from.is_some(), Instant::now());
        let mut lines = interval(LINES);
        lines.set_missed_tick_behavior(MissedTickBehavior::Delay);
        lines.tick().await;
        let mut heard = Instant::now();
        loop {
            let event = tokio::select! {
                event = self.chromium.tools.event() => event.map_err(|error| died(&error))?,
                _ = lines.tick(), if !self.console.is_live() => {
                    self.console.say(&status.line(Instant::now()).join("; "));
                    continue;
                }
                () = tokio::time::sleep_until(heard + SILENCE) => {
                    let text = format!("nothing came from it for {} s", SILENCE.as_secs());
                    return Err(died(&text));
                }
            };
            let Some(report) = self.report(&event)? else {
                continue;
            };
            heard = Instant::now();
            let news = match report {
                Report::Over { ending, reason } => {
                    return match ending {
                        Ending::Over => Ok(reason),
                        Ending::Refused => Err(Failure::Service(reason)),
                        Ending::Unusable => Err(Failure::Machine(reason)),
                    };
                }
                Report::Trouble { message } => {
                    self.console.warn(&format!("trouble: {message}"));
                    None
                }
                other => status.update(other, heard),
            };
            let lamp = match status.is_connected() {
                true => StatusColor::Green,
                false => StatusColor::Yellow,
            };
            self.console.show(lamp, &status.line(heard).join(" │ "));
            if let Some(news) = news {
                self.console.say(&news);
            }
            if status.is_joining() && heard > status.since() + JOIN {
                return Err(Failure::Service(format!(
                    "{} has not let us in after {} s: is it reached from here? --verbose shows \
                     what its SDK says",
                    self.plan.kind.name,
                    JOIN.as_secs()
                )));
            }
        }
    }

    /// What the page reports with this event; what Chromium says of the page goes to the screen.
    fn report(&self, event: &Event) -> Result<Option<Report>> {
        let Event { method, parameters } = event;
        match method.as_str() {
            "Runtime.bindingCalled" if parameters["name"] == REPORT => {
                let payload = parameters["payload"].as_str().unwrap_or_default();
                match serde_json::from_str(payload) {
                    Ok(report) => return Ok(Some(report)),
                    Err(error) => self.console.warn(&format!("a report is not one: {error}")),
                }
            }
            "Inspector.targetCrashed" => return Err(died(&"its page crashed")),
            "Inspector.detached" => return Err(died(&"its page was closed")),
            "Runtime.consoleAPICalled" => {
                let kind = parameters["type"].as_str().unwrap_or_default();
                self.console
                    .detail(&format!("page {kind}: {}", said(&parameters["args"])));
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

    /// Has the page hang up both calls, if there is one still.
    async fn hang_up(&mut self) {
        if !std::mem::take(&mut self.is_begun) {
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
                .warn("the page did not hang up in time; the others see that we are gone");
        }
    }

    /// Chromium cannot be used at all. What it said last may say why.
    fn unusable(&self, error: &dyn Display) -> Failure {
        let words = self.chromium.last_words();
        Failure::Machine(match words.is_empty() {
            true => format!("Chromium cannot be used: {error}"),
            false => format!("Chromium cannot be used: {error}; it said last: {words}"),
        })
    }
}

/// Chromium could be used up to now.
fn died(error: &dyn Display) -> Failure {
    Failure::Browser(format!("Chromium is gone: {error}"))
}

fn machine(what: &'static str) -> impl Fn(std::io::Error) -> Failure {
    move |error| Failure::Machine(format!("{what}: {error}"))
}

/// What a page wrote on its console.
fn said(arguments: &Value) -> String {
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
