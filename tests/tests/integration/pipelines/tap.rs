//! incoming-camera-tap.sh: a window and two taps that do not disturb it.

use std::fs::{self, File};
use std::io::{self, Read};
use std::process::Command;
use std::sync::mpsc;
use std::thread;

use acscall_tests::pipeline::until;

use super::display::Display;
use super::meeting::{Meeting, Partner};
use super::script::Script;
use super::{GREEN, GREEN_PIXEL, recording, screen};

/// The capacity of a pipe.
const PIPE: usize = 65_536;

#[test]
fn an_incoming_camera_is_recorded_and_saved_as_pictures_beside_its_window() {
    let display = Display::start();
    let meeting = Meeting::new();
    let _camera = meeting.partner("alice", &format!("{GREEN} ! s.video"));
    let (file, pictures) = files(&meeting);
    let script = start(&meeting, &display, &file, &pictures);
    let screen = screen(&display);
    screen
        .frames("seen")
        .find(|frame| frame.at(320, 180).is_near(GREEN_PIXEL))
        .expect("the window never showed the picture");
    until("three pictures are saved", || {
        // The fourth file exists when the third is finished.
        Ok(fs::exists(pictures.replace("%03d", "003"))?.then_some(()))
    })
    .unwrap();
    script.interrupt();

    let frames: Vec<_> = recording(&file).frames("seen").collect();
    assert!(frames.len() > 5, "{} frames", frames.len());
    for frame in &frames {
        assert_eq!((frame.width(), frame.height()), (640, 360));
        assert!(frame.at(320, 180).is_near(GREEN_PIXEL));
    }
    // At most 15 of 30 per second, by the times of the frames.
    let length = frames[frames.len() - 1].time() - frames[0].time();
    let most = length.mseconds() * 15 / 1000 + 2;
    assert!(frames.len() as u64 <= most, "{} in {length}", frames.len());

    let pictures = Partner::play(&format!(
        "multifilesrc location={pictures} caps=image/png,framerate=1/1 ! pngdec \
         ! appsink name=seen sync=false"
    ));
    let pictures: Vec<_> = pictures.frames("seen").collect();
    // One picture per second.
    let most = length.seconds() + 2;
    assert!(
        pictures.len() as u64 <= most,
        "{} in {length}",
        pictures.len()
    );
    for picture in &pictures {
        assert_eq!((picture.width(), picture.height()), (640, 360));
        assert!(picture.at(320, 180).is_near(GREEN_PIXEL));
    }
}

#[test]
fn a_window_continues_while_the_recording_is_blocked() {
    // Noise: a window that stands still is detected, and the encoder writes a lot.
    const NOISE: &str = "videotestsrc is-live=true pattern=snow \
                         ! video/x-raw,width=640,height=360,framerate=30/1 ! s.video";
    let display = Display::start();
    let meeting = Meeting::new();
    let _camera = meeting.partner("alice", NOISE);
    let (file, pictures) = files(&meeting);
    let pipe = pipe(&file);
    let script = start(&meeting, &display, &file, &pictures);
    // Nobody reads from the pipe.
    let mut pipe = pipe.recv().unwrap();

    let screen = screen(&display);
    let colours = screen
        .frames("seen")
        .map(|frame| [(50, 50), (320, 180), (600, 300)].map(|(x, y)| frame.at(x, y)));
    let mut before = None;
    // Up to half a minute of screen pictures; the window changes in nearly each of them.
    let changes = colours
        .take(300)
        .filter(|now| before.replace(*now).is_some_and(|before| before != *now));
    assert_eq!(changes.take(80).count(), 80, "the window stands still");
    // The other tap continues, too.
    until("pictures are saved", || {
        Ok(fs::exists(pictures.replace("%03d", "002"))?.then_some(()))
    })
    .unwrap();

    let mut written = vec![0; 2 * PIPE];
    let held = pipe.read(&mut written).unwrap();
    assert_eq!(held, PIPE, "the recording was not blocked");
    // With a reader the recording continues, and ends in an orderly way.
    let rest = thread::spawn(move || io::copy(&mut pipe, &mut io::sink()));
    script.interrupt();
    assert!(rest.join().unwrap().unwrap() > 0);
}

/// The paths of the recording and of the pictures.
fn files(meeting: &Meeting) -> (String, String) {
    (meeting.file("tap.webm"), meeting.file("tap-%03d.png"))
}

fn start(meeting: &Meeting, display: &Display, file: &str, pictures: &str) -> Script {
    let settings = [
        ("OTHER", "alice"),
        ("DISPLAY", display.name()),
        ("OUT", file),
        ("PICTURES", pictures),
    ];
    Script::start(meeting, "incoming-camera-tap.sh", &settings)
}

/// Creates a named pipe, and opens it for reading when the writer does.
fn pipe(path: &str) -> mpsc::Receiver<File> {
    let status = Command::new("mkfifo").arg(path).status().unwrap();
    assert!(status.success());
    let (sender, receiver) = mpsc::channel();
    let path = path.to_owned();
    thread::spawn(move || {
        let _receiver_dropped = sender.send(File::open(path).unwrap());
    });
    receiver
}
