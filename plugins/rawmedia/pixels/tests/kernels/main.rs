//! Compares every kernel with a naive oracle in floating point, on random rows of random widths,
//! and every level with the scalar one.
//!
//! Rows end with their heap allocation, so that valgrind and AddressSanitizer detect accesses
//! beyond them. Rows inside a larger allocation detect writes without these tools.

mod bounds;
mod chroma;
mod luma;
mod oracle;
mod packed;
mod rgb;

use acscall_pixels::{Amount, Kernels, Level};
use proptest::collection::vec;
use proptest::prelude::*;

/// Returns `rows` processed by `kernel`, after checking that it changes nothing around them.
fn run<const N: usize>(rows: [&[u8]; N], kernel: impl Fn([&mut [u8]; N])) -> [Vec<u8>; N] {
    let mut exact = rows.map(Box::from);
    kernel(exact.each_mut().map(|row: &mut Box<[u8]>| &mut **row));

    // Odd, for another alignment, and longer than any register.
    const BEFORE: usize = 71;
    const AFTER: usize = 133;
    const GUARD: u8 = 0xa5;
    let mut inner = rows.map(|row| {
        let mut outer = vec![GUARD; BEFORE + row.len() + AFTER];
        outer[BEFORE..][..row.len()].copy_from_slice(row);
        outer
    });
    let lengths = rows.map(<[u8]>::len);
    let mut length = lengths.iter();
    kernel(
        inner
            .each_mut()
            .map(|outer| &mut outer[BEFORE..][..*length.next().unwrap_or(&0)]),
    );
    for (outer, exact) in inner.iter().zip(&exact) {
        let (before, rest) = outer.split_at(BEFORE);
        let (row, after) = rest.split_at(exact.len());
        assert_eq!(
            row, &**exact,
            "the result depends on the position of the row"
        );
        assert!(
            before.iter().chain(after).all(|&byte| byte == GUARD),
            "written outside the row"
        );
    }
    exact.map(Vec::from)
}

/// Like [`run`] at the scalar level, after checking that every other level has the same result.
fn run_all<const N: usize>(
    rows: [&[u8]; N],
    kernel: impl Fn(&Kernels, [&mut [u8]; N]),
) -> [Vec<u8>; N] {
    let scalar = run(rows, |rows| kernel(&of(Level::Scalar), rows));
    for level in Level::available() {
        let kernels = of(level);
        assert_eq!(kernels.level(), level);
        assert_eq!(
            run(rows, |rows| kernel(&kernels, rows)),
            scalar,
            "{level:?}"
        );
    }
    scalar
}

/// Returns the kernels of an available level.
fn of(level: Level) -> Kernels {
    Kernels::new(level).expect("the level is available")
}

/// A random row, possibly empty or with a width that does not fill a register.
fn row() -> impl Strategy<Value = Vec<u8>> {
    prop_oneof![
        vec(any::<u8>(), 0..80),
        vec(any::<u8>(), 0..2400),
        extremes()
    ]
}

/// A row of the smallest and the largest bytes, whose sums are extreme.
fn extremes() -> impl Strategy<Value = Vec<u8>> {
    vec(
        prop_oneof![Just(0_u8), Just(255), Just(128), Just(1)],
        0..400,
    )
}

fn amount() -> impl Strategy<Value = Amount> {
    prop_oneof![
        Just(Amount::NONE),
        Just(Amount::FULL),
        (0_u32..=32768).prop_map(|q15| Amount::new(f64::from(q15) / 32768.0)),
    ]
}

#[test]
fn the_best_level_is_available() {
    assert!(Level::available().any(|level| level == Level::best()));
    assert!(Level::Scalar.is_available());
    for level in [Level::Scalar, Level::Avx2, Level::Neon] {
        assert_eq!(
            Kernels::new(level).is_some(),
            level.is_available(),
            "{level:?}"
        );
    }
}
