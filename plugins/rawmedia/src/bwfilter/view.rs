//! Planes as bytes, and their rows.

use super::layout::Plane;

/// A plane that is read.
#[derive(Clone, Copy, Debug, Default)]
pub(super) struct View<'a> {
    bytes: &'a [u8],
    at: Plane,
}

/// A plane that is written.
#[derive(Debug, Default)]
pub(super) struct ViewMut<'a> {
    bytes: &'a mut [u8],
    at: Plane,
}

impl<'a> View<'a> {
    /// `bytes` begin where the plane does.
    pub(super) fn new(bytes: &'a [u8], at: Plane) -> View<'a> {
        View { bytes, at }
    }

    pub(super) fn row(&self, y: usize) -> &'a [u8] {
        let start = y * self.at.stride;
        self.bytes
            .get(start..start + self.at.row)
            .unwrap_or_default()
    }

    pub(super) fn n_rows(&self) -> usize {
        self.at.rows
    }

    fn rows(&self) -> impl Iterator<Item = &'a [u8]> {
        let row = self.at.row;
        self.bytes
            .chunks(self.at.stride.max(1))
            .take(self.at.rows)
            .map(move |bytes| &bytes[..row.min(bytes.len())])
    }
}

impl<'a> ViewMut<'a> {
    /// `bytes` begin where the plane does.
    pub(super) fn new(bytes: &'a mut [u8], at: Plane) -> ViewMut<'a> {
        ViewMut { bytes, at }
    }

    pub(super) fn as_view(&self) -> View<'_> {
        View::new(self.bytes, self.at)
    }

    /// Whether nothing lies between its rows.
    pub(super) fn is_dense(&self) -> bool {
        self.at.stride == self.at.row
    }

    pub(super) fn rows(&mut self) -> impl Iterator<Item = &mut [u8]> {
        let row = self.at.row;
        self.bytes
            .chunks_mut(self.at.stride.max(1))
            .take(self.at.rows)
            .map(move |bytes| {
                let row = row.min(bytes.len());
                &mut bytes[..row]
            })
    }

    /// All rows as one, where nothing lies between them.
    pub(super) fn all(&mut self) -> impl Iterator<Item = &mut [u8]> {
        let len = self.at.len().min(self.bytes.len());
        std::iter::once(&mut self.bytes[..len])
    }

    pub(super) fn copy(&mut self, from: View<'_>) {
        self.each(Some(from), |_| {});
    }

    /// Calls `work` with each row, after copying it from where it is read from. In place, where
    /// nothing lies between the rows, with all of them at once.
    pub(super) fn each(&mut self, from: Option<View<'_>>, mut work: impl FnMut(&mut [u8])) {
        match from {
            None if self.is_dense() => self.all().for_each(work),
            None => self.rows().for_each(work),
            Some(from) => {
                for (row, source) in self.rows().zip(from.rows()) {
                    copy_row(row, source);
                    work(row);
                }
            }
        }
    }
}

/// As much as both have.
pub(super) fn copy_row(to: &mut [u8], from: &[u8]) {
    let len = to.len().min(from.len());
    to[..len].copy_from_slice(&from[..len]);
}
