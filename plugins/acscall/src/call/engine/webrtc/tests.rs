//! Legs in a pipeline of their own, negotiated by hand.

use std::sync::mpsc::{Receiver, channel};
use std::time::Duration;

use super::*;
use crate::call::engine::codec::Codec;

/// No description takes as long.
const TIMEOUT: Duration = Duration::from_secs(60);

fn maker() -> WebRtc {
    gst::init().unwrap();
    let pipeline = gst::Pipeline::new();
    pipeline.use_clock(Some(&gst::SystemClock::obtain()));
    pipeline.set_state(gst::State::Playing).unwrap();
    WebRtc {
        pipeline,
        latency: Arc::new(OnceLock::from(40)),
        stun_server: None,
        turn_servers: Vec::new(),
    }
}

fn open(
    maker: &WebRtc,
    direction: Direction,
    offer: Offer,
) -> Result<(Box<dyn Leg>, Receiver<LegOutput>), LegFailure> {
    let (sender, outputs) = channel();
    let output = Arc::new(move |output| {
        let _the_test_is_over = sender.send(output);
    });
    let config = LegConfig {
        direction,
        offer,
        ice_servers: &[],
    };
    Ok((maker.open(config, output)?, outputs))
}

fn track(mid: &str, kind: Kind, codec: Codec) -> Track {
    Track {
        mid: Mid(mid.into()),
        kind,
        codec,
    }
}

fn description(outputs: &Receiver<LegOutput>) -> String {
    loop {
        match outputs.recv_timeout(TIMEOUT).unwrap() {
            LegOutput::Description(text) => return text,
            LegOutput::Failed(failure) => panic!("{failure}"),
            _ => {}
        }
    }
}

fn mids(text: &str) -> Vec<&str> {
    let lines = text.lines();
    lines
        .filter_map(|line| line.strip_prefix("a=mid:"))
        .collect()
}

#[test]
fn a_leg_has_the_tracks_that_are_offered_in_their_order() {
    let maker = maker();
    let tracks = vec![
        track("slides", Kind::Screen, Codec::Vp8),
        track("voice", Kind::Audio, Codec::Opus),
    ];
    let kinds = tracks.iter().map(|track| track.kind).collect();
    let (mut sender, from_sender) = open(&maker, Direction::Send, Offer::Local(tracks)).unwrap();
    let (mut receiver, from_receiver) =
        open(&maker, Direction::Receive, Offer::Remote(kinds)).unwrap();
    assert!(receiver.tracks().is_empty(), "nothing is offered yet");
    let offer = description(&from_sender);
    assert_eq!(mids(&offer), ["slides", "voice"], "{offer}");
    receiver.set_remote_description(&offer).unwrap();
    let answer = description(&from_receiver);
    assert_eq!(mids(&answer), ["slides", "voice"], "{answer}");
    sender.set_remote_description(&answer).unwrap();
    let expected = BTreeMap::from([
        (Mid("slides".into()), Kind::Screen),
        (Mid("voice".into()), Kind::Audio),
    ]);
    assert_eq!(sender.tracks(), expected);
    assert_eq!(receiver.tracks(), expected);
    for mid in expected.keys() {
        assert!(sender.sink_pad(mid).is_some(), "{mid:?}");
        assert!(receiver.sink_pad(mid).is_none(), "{mid:?}");
    }
    sender.close();
    receiver.close();
}

#[test]
fn an_answer_asks_for_stereo() {
    let maker = maker();
    let tracks = vec![track("voice", Kind::Audio, Codec::Opus)];
    let (sender, from_sender) = open(&maker, Direction::Send, Offer::Local(tracks)).unwrap();
    let (mut receiver, from_receiver) =
        open(&maker, Direction::Receive, Offer::Remote(vec![Kind::Audio])).unwrap();
    // Like the offer of a browser.
    let offer = description(&from_sender).replace("stereo=1;", "");
    assert!(!offer.contains("stereo=1"), "{offer}");
    receiver.set_remote_description(&offer).unwrap();
    let answer = description(&from_receiver);
    assert!(answer.contains("stereo=1"), "{answer}");
    sender.close();
    receiver.close();
}

#[test]
fn only_the_sender_offers() {
    let maker = maker();
    let local = Offer::Local(vec![track("voice", Kind::Audio, Codec::Opus)]);
    let remote = Offer::Remote(vec![Kind::Audio]);
    assert!(open(&maker, Direction::Receive, local).is_err());
    assert!(open(&maker, Direction::Send, remote).is_err());
    assert!(maker.pipeline.children().is_empty());
}
