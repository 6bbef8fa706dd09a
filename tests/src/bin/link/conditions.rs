//! The conditions of a line, and their text form.

use std::time::Duration;

use anyhow::{Context as _, Result, bail};

/// What happens to packets, each way. By default they all pass at once.
#[derive(Clone, Debug, PartialEq)]
pub(crate) struct Conditions {
    /// No packet passes.
    pub(crate) down: bool,
    /// The share of the packets that is lost.
    pub(crate) loss: f64,
    /// The share that arrives twice.
    pub(crate) duplicate: f64,
    /// The share that is held back, so that others overtake.
    pub(crate) reorder: f64,
    /// How long those are held back.
    pub(crate) hold: Duration,
    /// The delay of each packet.
    pub(crate) delay: Duration,
    /// The maximum of a further delay, evenly distributed. It keeps the order, as the queues of real
    /// networks do.
    pub(crate) jitter: Duration,
    /// The rate of the bottleneck, in bit/s.
    pub(crate) rate: Option<u64>,
    /// The length of the queue before the bottleneck; packets that arrive when it is full are lost.
    pub(crate) queue: Duration,
}

impl Default for Conditions {
    fn default() -> Conditions {
        Conditions {
            down: false,
            loss: 0.0,
            duplicate: 0.0,
            reorder: 0.0,
            hold: Duration::from_millis(10),
            delay: Duration::ZERO,
            jitter: Duration::ZERO,
            rate: None,
            // Common for access routers.
            queue: Duration::from_millis(300),
        }
    }
}

impl Conditions {
    /// Parses words such as `loss=2` (%), `duplicate=1`, `reorder=1`, `hold=10` (ms), `delay=15`,
    /// `jitter=20`, `rate=300` (kbit/s), `queue=300` (ms), `down`. Missing conditions have their
    /// defaults.
    pub(crate) fn parse<'a>(words: impl Iterator<Item = &'a str>) -> Result<Conditions> {
        let mut conditions = Conditions::default();
        for word in words {
            let (name, value) = word.split_once('=').unwrap_or((word, ""));
            let number = || -> Result<f64> {
                let number: f64 = value.parse().with_context(|| word.to_owned())?;
                match number.is_finite() && number >= 0.0 {
                    true => Ok(number),
                    false => bail!("{word}: the number is negative or infinite"),
                }
            };
            let part = || Ok::<_, anyhow::Error>(number()? / 100.0);
            let time = || Ok::<_, anyhow::Error>(Duration::from_secs_f64(number()? / 1000.0));
            match name {
                "down" => conditions.down = true,
                "loss" => conditions.loss = part()?,
                "duplicate" => conditions.duplicate = part()?,
                "reorder" => conditions.reorder = part()?,
                "hold" => conditions.hold = time()?,
                "delay" => conditions.delay = time()?,
                "jitter" => conditions.jitter = time()?,
                "rate" => conditions.rate = Some((number()? * 1000.0) as u64).filter(|r| *r > 0),
                "queue" => conditions.queue = time()?,
                _ => bail!("there is no condition '{name}'"),
            }
        }
        Ok(conditions)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_text_form_is_parsed() {
        let parse = |text: &str| Conditions::parse(text.split_whitespace());
        assert_eq!(parse("").unwrap(), Conditions::default());
        let conditions = parse("loss=2 delay=15 rate=300 queue=50 down").unwrap();
        let expected = Conditions {
            down: true,
            loss: 0.02,
            delay: Duration::from_millis(15),
            rate: Some(300_000),
            queue: Duration::from_millis(50),
            ..Conditions::default()
        };
        assert_eq!(conditions, expected);
        for wrong in ["loss", "loss=-1", "loss=x", "delay=inf", "other=1"] {
            assert!(parse(wrong).is_err(), "{wrong}");
        }
    }
}
