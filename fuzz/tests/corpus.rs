//! Replays the corpus of the fuzzer: every invariant must hold.

use std::fs;
use std::path::Path;

fn replay(target: &str, check: fn(&[u8])) {
    let folder = Path::new(env!("CARGO_MANIFEST_DIR"))
        .join("corpus")
        .join(target);
    let mut count = 0;
    for entry in fs::read_dir(&folder).expect("there is a corpus") {
        let path = entry.expect("the corpus can be listed").path();
        println!("{}", path.display());
        check(&fs::read(&path).expect("the input can be read"));
        count += 1;
    }
    assert!(count > 0, "{} is empty", folder.display());
}

#[test]
fn wire_messages_are_read_or_refused() {
    replay("messages", acscall_fuzz::messages::check);
}

#[test]
fn requests_are_answered_or_refused() {
    replay("requests", acscall_fuzz::requests::check);
}

#[test]
fn the_room_machine_keeps_its_promises() {
    replay("rooms", acscall_fuzz::rooms::check);
}

#[test]
fn the_call_machine_keeps_its_promises() {
    replay("call", acscall_fuzz::call::check);
}

#[test]
fn session_descriptions_are_read_or_refused() {
    replay("sdp", acscall_fuzz::sdp::check);
}

#[test]
fn legs_answer_or_give_up() {
    replay("leg", acscall_fuzz::leg::check);
}
