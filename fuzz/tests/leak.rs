use std::collections::BTreeMap;
use std::time::Duration;
use gstacscall::fuzzing::{Answer, Pipeline};
use acscall::call::Direction;
use acscall::signalling::message::Candidate;

fn state() -> (usize, usize, BTreeMap<String, usize>) {
    let mut names = BTreeMap::new();
    for entry in std::fs::read_dir("/proc/self/task").unwrap() {
        let name = std::fs::read_to_string(entry.unwrap().path().join("comm")).unwrap_or_default();
        let name: String = name.trim().chars().filter(|c| !c.is_ascii_digit()).collect();
        *names.entry(name).or_default() += 1;
    }
    let fds = std::fs::read_dir("/proc/self/fd").unwrap().count();
    (names.values().sum(), fds, names)
}

#[test]
fn leak() {
    gst::init().unwrap();
    let offer = include_str!("../src/sketch/offer.sdp").replace('\n', "\r\n");
    let pipeline = Pipeline::start();
    let answer = offer.replace("a=sendonly", "a=recvonly").replace("a=setup:actpass", "a=setup:active");
    let settle = |what: &str| {
        for _ in 0..100 { std::thread::sleep(Duration::from_millis(50)); if pipeline.len() == 0 { break } }
        std::thread::sleep(Duration::from_millis(1500));
        println!("{what}: left {} {:?}", pipeline.len(), state());
    };
    settle("start");
    let n = 8;
    let ms: u64 = std::env::var("MS").ok().and_then(|m| m.parse().ok()).unwrap_or(0);
    match std::env::var("PHASE").unwrap().as_str() {
        "answered" => for _ in 0..n { let mut p = pipeline.open(Direction::Send); p.answer(); p.take(&answer); std::thread::sleep(Duration::from_millis(ms)); },
        "offered" => for _ in 0..n { let mut p = pipeline.open(Direction::Receive); assert!(matches!(p.describe(&offer), Answer::Description(_))); std::thread::sleep(Duration::from_millis(ms)); },
        _ => panic!(),
    }
    settle("after");
    for entry in std::fs::read_dir("/proc/self/fd").unwrap() {
        let path = entry.unwrap().path();
        println!("{} {:?}", path.display(), std::fs::read_link(&path));
    }
    std::mem::forget(pipeline);
    unsafe { gst::deinit() };
}
