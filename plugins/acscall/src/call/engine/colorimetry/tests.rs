//! Header extensions, and the colorimetry that readers get.

use super::*;

/// Full range, BT.709, with sRGB's transfer.
const CANVAS: [u8; 4] = [1, 13, 1, 0x20];
const NUMBER: u8 = 8;

/// Returns the last RTP packet of a frame, with these words of extensions.
fn packet(profile: [u8; 2], extensions: &[u8]) -> Vec<u8> {
    assert_eq!(extensions.len() % 4, 0);
    let words = u8::try_from(extensions.len() / 4).unwrap();
    let mut packet = vec![0x90, 0x80 | 96];
    packet.resize(12, 0);
    packet.extend(profile);
    packet.extend([0, words]);
    packet.extend(extensions);
    packet.extend([1, 2, 3]);
    packet
}

/// Returns a packet that announces this colorimetry.
fn announcing(colorimetry: [u8; 4]) -> Vec<u8> {
    let [a, b, c, d] = colorimetry;
    packet([0xbe, 0xde], &[NUMBER << 4 | 3, a, b, c, d, 0, 0, 0])
}

/// Returns a packet that announces nothing.
fn silent() -> Vec<u8> {
    packet([0xbe, 0xde], &[])
}

/// Returns the caps of a picture in this format.
fn picture(format: &str) -> gst::caps::Builder<gst::caps::NoFeature> {
    gst::init().unwrap();
    gst::Caps::builder("video/x-raw")
        .field("format", format)
        .field("width", 1280)
        .field("height", 720)
}

fn decoded(colorimetry: Option<&str>) -> gst::Caps {
    let caps = picture("I420");
    match colorimetry {
        Some(colorimetry) => caps.field("colorimetry", colorimetry).build(),
        None => caps.build(),
    }
}

/// Returns the colorimetry that a reader gets.
fn label(tracker: &ColorimetryTracker, caps: &gst::Caps) -> String {
    let caps = tracker.label(caps.clone());
    let structure = caps.structure(0).unwrap();
    structure.get("colorimetry").unwrap()
}

#[test]
fn an_extension_is_found_among_others_in_both_forms() {
    let is_found = |packet: &[u8]| header_extension(packet, NUMBER).map(<[u8]>::to_vec);
    let [a, b, c, d] = CANVAS;
    assert_eq!(is_found(&announcing(CANVAS)), Some(CANVAS.to_vec()));
    let last = [
        0x10,
        7,
        0,
        0,
        0x32,
        1,
        2,
        3,
        NUMBER << 4 | 3,
        a,
        b,
        c,
        d,
        0,
        0,
        0,
    ];
    assert_eq!(
        is_found(&packet([0xbe, 0xde], &last)),
        Some(CANVAS.to_vec())
    );
    let long = [1, 0, 2, 1, 9, 0, NUMBER, 4, a, b, c, d];
    for form in [0x00, 0x0f] {
        assert_eq!(
            is_found(&packet([0x10, form], &long)),
            Some(CANVAS.to_vec())
        );
    }
    // Three CSRCs before it.
    let mut mixed = announcing(CANVAS);
    mixed[0] |= 3;
    mixed.splice(12..12, [9; 12]);
    assert_eq!(is_found(&mixed), Some(CANVAS.to_vec()));
}

#[test]
fn a_header_that_is_cut_or_of_another_form_has_no_extension() {
    let whole = announcing(CANVAS);
    let end = whole.len() - 3;
    for length in 0..end {
        assert_eq!(header_extension(&whole[..length], NUMBER), None, "{length}");
    }
    let mut without = whole.clone();
    without[0] = 0x80;
    assert_eq!(header_extension(&without, NUMBER), None);
    assert_eq!(header_extension(&whole, NUMBER + 1), None);
    assert_eq!(
        header_extension(&packet([0xab, 0xcd], &whole[16..24]), NUMBER),
        None
    );
    // A length beyond the end of the extensions.
    let too_long = [NUMBER << 4 | 15, 1, 2, 3];
    assert_eq!(
        header_extension(&packet([0xbe, 0xde], &too_long), NUMBER),
        None
    );
    let too_long = [0, 0, NUMBER, 2];
    assert_eq!(
        header_extension(&packet([0x10, 0], &too_long), NUMBER),
        None
    );
    assert_eq!(
        header_extension(&packet([0x10, 0], &[0, 0, 0, NUMBER]), NUMBER),
        None
    );
}

#[test]
fn an_announcement_holds_until_the_next_one_or_a_key_frame_without_one() {
    let (tracker, caps) = (ColorimetryTracker::default(), decoded(None));
    assert_eq!(label(&tracker, &caps), DEFAULT);
    for (is_key, packet, expected) in [
        (true, silent(), DEFAULT),
        (false, announcing(CANVAS), "1:3:7:1"),
        (false, silent(), "1:3:7:1"),
        (true, announcing([1, 1, 1, 0x10]), "bt709"),
        (false, silent(), "bt709"),
        (true, silent(), DEFAULT),
        (false, silent(), DEFAULT),
    ] {
        let mut first = announcing([9, 16, 9, 0x10]);
        first[1] &= !MARKER;
        tracker.packet(NUMBER, &first);
        tracker.packet(NUMBER, &packet);
        tracker.frame(is_key);
        assert_eq!(label(&tracker, &caps), expected, "{packet:?}");
    }
}

#[test]
fn unknown_parts_of_an_announcement_have_the_default() {
    let (tracker, caps) = (ColorimetryTracker::default(), decoded(None));
    for (announced, expected) in [
        // Nothing, and unassigned numbers.
        ([2, 2, 2, 0], DEFAULT),
        ([250, 250, 250, 0xf0], DEFAULT),
        // The matrix alone, the range alone.
        ([2, 2, 1, 0], "2:3:16:4"),
        ([2, 2, 2, 0x20], "1:4:16:4"),
        // RGB, which a decoder does not output.
        ([1, 13, 0, 0x20], "1:4:7:1"),
    ] {
        tracker.packet(NUMBER, &announcing(announced));
        tracker.frame(true);
        assert_eq!(label(&tracker, &caps), expected, "{announced:?}");
    }
    // Too short.
    tracker.packet(NUMBER, &packet([0xbe, 0xde], &[NUMBER << 4 | 2, 1, 13, 1]));
    tracker.frame(true);
    assert_eq!(label(&tracker, &caps), DEFAULT);
}

#[test]
fn the_decoders_colorimetry_is_used_if_the_sender_announces_none() {
    let tracker = ColorimetryTracker::default();
    for (known, expected) in [
        ("bt709", "bt709"),
        ("1:0:0:0", "1:4:16:4"),
        ("0:3:5:1", "bt709"),
    ] {
        assert_eq!(label(&tracker, &decoded(Some(known))), expected, "{known}");
    }
    tracker.packet(NUMBER, &announcing(CANVAS));
    tracker.frame(true);
    assert_eq!(label(&tracker, &decoded(Some("bt709"))), "1:3:7:1");
}

#[test]
fn caps_that_are_not_yuv_stay_the_same() {
    let rgb = picture("RGB").build();
    let audio = gst::Caps::new_empty_simple("audio/x-raw");
    for caps in [rgb, audio] {
        assert_eq!(ColorimetryTracker::default().label(caps.clone()), caps);
    }
}

#[test]
fn the_extension_number_comes_from_the_rtp_caps() {
    gst::init().unwrap();
    let rtp = |number: &str| {
        gst::Structure::builder("application/x-rtp")
            .field("extmap-3", "urn:another")
            .field(format!("extmap-{number}"), COLOR_SPACE_URI)
            .build()
    };
    assert_eq!(extension_number(&rtp("8")), Some(8));
    assert_eq!(extension_number(&rtp("255")), Some(255));
    assert_eq!(extension_number(&rtp("4095")), None);
    assert_eq!(
        extension_number(&gst::Structure::new_empty("application/x-rtp")),
        None
    );
}
