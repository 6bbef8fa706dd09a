//! A virtual X server.

use std::io::{BufRead, BufReader};
use std::process::{Child, Command, Stdio};

/// The size of its screen.
pub(crate) const SIZE: (u32, u32) = (1280, 720);

/// A running Xvfb.
pub(crate) struct Display {
    server: Child,
    name: String,
}

impl Display {
    pub(crate) fn start() -> Display {
        let mut server = Command::new("Xvfb")
            .args(["-displayfd", "1", "-nolisten", "tcp", "-screen", "0"])
            .arg(format!("{}x{}x24", SIZE.0, SIZE.1))
            .stdout(Stdio::piped())
            .stderr(Stdio::null())
            .spawn()
            .unwrap();
        // It prints its display number when it is ready.
        let mut number = String::new();
        BufReader::new(server.stdout.take().unwrap())
            .read_line(&mut number)
            .unwrap();
        assert!(!number.is_empty(), "Xvfb does not start");
        Display {
            server,
            name: format!(":{}", number.trim()),
        }
    }

    /// The value for the variable DISPLAY.
    pub(crate) fn name(&self) -> &str {
        &self.name
    }
}

impl Drop for Display {
    fn drop(&mut self) {
        self.server.kill().unwrap();
        self.server.wait().unwrap();
    }
}

/// A colour.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) struct Pixel {
    pub(crate) red: u8,
    pub(crate) green: u8,
    pub(crate) blue: u8,
}

impl Pixel {
    pub(crate) const fn new(red: u8, green: u8, blue: u8) -> Pixel {
        Pixel { red, green, blue }
    }

    /// Whether the colours look the same: encoders and colour matrices change them slightly.
    pub(crate) fn is_near(self, other: Pixel) -> bool {
        const TOLERANCE: u8 = 40;
        self.red.abs_diff(other.red) < TOLERANCE
            && self.green.abs_diff(other.green) < TOLERANCE
            && self.blue.abs_diff(other.blue) < TOLERANCE
    }

    /// Whether the colour looks gray.
    pub(crate) fn is_gray(self) -> bool {
        const TOLERANCE: u8 = 12;
        let channels = [self.red, self.green, self.blue];
        let (least, most) = (channels.iter().min(), channels.iter().max());
        least
            .zip(most)
            .is_some_and(|(least, most)| most - least < TOLERANCE)
    }
}
