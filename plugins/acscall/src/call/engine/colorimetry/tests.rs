//! What is read of headers, what holds of it, and what readers are told.

use super::*;

/// Full range, BT.709, with sRGB's transfer.
const CANVAS: [u8; 4] = [1, 13, 1, 0x20];
const NUMBER: u8 = 8;

/// An RTP packet, the last one of its frame, with these words of extensions.
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

/// One that says this of its colours.
fn saying(colours: [u8; 4]) -> Vec<u8> {
    let [a, b, c, d] = colours;
    packet([0xbe, 0xde], &[NUMBER << 4 | 3, a, b, c, d, 0, 0, 0])
}

/// One that says nothing.
fn silent() -> Vec<u8> {
    packet([0xbe, 0xde], &[])
}

/// The caps of a picture in this format.
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

/// What a reader is told.
fn told(colours: &Colours, caps: &gst::Caps) -> String {
    let caps = colours.label(caps.clone());
    let structure = caps.structure(0).unwrap();
    structure.get("colorimetry").unwrap()
}

#[test]
fn an_extension_is_found_among_others_in_both_forms() {
    let is_found = |packet: &[u8]| header_extension(packet, NUMBER).map(<[u8]>::to_vec);
    let [a, b, c, d] = CANVAS;
    assert_eq!(is_found(&saying(CANVAS)), Some(CANVAS.to_vec()));
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
    // Three sources before it.
    let mut mixed = saying(CANVAS);
    mixed[0] |= 3;
    mixed.splice(12..12, [9; 12]);
    assert_eq!(is_found(&mixed), Some(CANVAS.to_vec()));
}

#[test]
fn a_header_that_is_cut_or_of_another_form_has_no_extension() {
    let whole = saying(CANVAS);
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
    // A length that leads out of the extensions.
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
fn what_a_sender_says_holds_until_it_says_else_or_nothing_of_a_key_frame() {
    let (colours, caps) = (Colours::default(), decoded(None));
    assert_eq!(told(&colours, &caps), USUAL);
    for (is_key, packet, expected) in [
        (true, silent(), USUAL),
        (false, saying(CANVAS), "1:3:7:1"),
        (false, silent(), "1:3:7:1"),
        (true, saying([1, 1, 1, 0x10]), "bt709"),
        (false, silent(), "bt709"),
        (true, silent(), USUAL),
        (false, silent(), USUAL),
    ] {
        let mut first = saying([9, 16, 9, 0x10]);
        first[1] &= !MARKER;
        colours.packet(NUMBER, &first);
        colours.packet(NUMBER, &packet);
        colours.frame(is_key);
        assert_eq!(told(&colours, &caps), expected, "{packet:?}");
    }
}

#[test]
fn what_is_not_said_is_as_usual() {
    let (colours, caps) = (Colours::default(), decoded(None));
    for (said, expected) in [
        // Nothing, and what does not exist.
        ([2, 2, 2, 0], USUAL),
        ([250, 250, 250, 0xf0], USUAL),
        // The matrix alone, the range alone.
        ([2, 2, 1, 0], "2:3:16:4"),
        ([2, 2, 2, 0x20], "1:4:16:4"),
        // Red, green and blue, which a decoder does not give.
        ([1, 13, 0, 0x20], "1:4:7:1"),
    ] {
        colours.packet(NUMBER, &saying(said));
        colours.frame(true);
        assert_eq!(told(&colours, &caps), expected, "{said:?}");
    }
    // Too short.
    colours.packet(NUMBER, &packet([0xbe, 0xde], &[NUMBER << 4 | 2, 1, 13, 1]));
    colours.frame(true);
    assert_eq!(told(&colours, &caps), USUAL);
}

#[test]
fn what_the_decoder_knows_counts_where_the_sender_says_nothing() {
    let colours = Colours::default();
    for (known, expected) in [
        ("bt709", "bt709"),
        ("1:0:0:0", "1:4:16:4"),
        ("0:3:5:1", "bt709"),
    ] {
        assert_eq!(told(&colours, &decoded(Some(known))), expected, "{known}");
    }
    colours.packet(NUMBER, &saying(CANVAS));
    colours.frame(true);
    assert_eq!(told(&colours, &decoded(Some("bt709"))), "1:3:7:1");
}

#[test]
fn what_is_no_yuv_is_left_alone() {
    let rgb = picture("RGB").build();
    let audio = gst::Caps::new_empty_simple("audio/x-raw");
    for caps in [rgb, audio] {
        assert_eq!(Colours::default().label(caps.clone()), caps);
    }
}

#[test]
fn the_number_is_that_of_the_line() {
    gst::init().unwrap();
    let line = |number: &str| {
        gst::Structure::builder("application/x-rtp")
            .field("extmap-3", "urn:another")
            .field(format!("extmap-{number}"), COLOUR_SPACE_URI)
            .build()
    };
    assert_eq!(number(&line("8")), Some(8));
    assert_eq!(number(&line("255")), Some(255));
    assert_eq!(number(&line("4095")), None);
    assert_eq!(
        number(&gst::Structure::new_empty("application/x-rtp")),
        None
    );
}
