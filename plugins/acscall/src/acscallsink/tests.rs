use gst::prelude::*;
use gst::subclass::prelude::*;

use super::*;

#[test]
fn a_pad_of_an_element_that_panicked_rejects_events_with_an_error() {
    gst::init().unwrap();
    let (element, bus) = (gst::glib::Object::new::<AcsCallSink>(), gst::Bus::new());
    element.set_bus(Some(&bus));
    let pad = element.request_pad_simple("audio").unwrap();
    pad.set_active(true).unwrap();
    assert!(pad.send_event(gst::event::StreamStart::new("before")));
    imp::AcsCallSink::catch_panic_pad_function(
        Some(element.upcast_ref()),
        || (),
        |_| panic!("in a test"),
    );
    assert!(bus.pop_filtered(&[gst::MessageType::Error]).is_some());
    assert!(!pad.send_event(gst::event::StreamStart::new("after")));
    let error = bus.pop_filtered(&[gst::MessageType::Error]).unwrap();
    let gst::MessageView::Error(error) = error.view() else {
        panic!("{error:?}");
    };
    assert!(error.error().to_string().contains("Panicked"), "{error:?}");
    // The bindings let a bin that panicked remove none of its children, which GstBin's dispose
    // repeats for ever.
    std::mem::forget(element);
}
