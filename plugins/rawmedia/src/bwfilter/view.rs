//! Views of planes, row by row.

use super::layout::Plane;

/// A readable plane.
#[derive(Clone, Copy, Debug, Default)]
pub(super) struct View<'a> {
    bytes: &'a [u8],
    at: Plane,
}

/// A writable plane.
#[derive(Debug, Default)]
pub(super) struct ViewMut<'a> {
    bytes: &'a mut [u8],
    at: Plane,
}

impl<'a> View<'a> {
    /// `bytes` start with the plane.
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
    /// `bytes` start with the plane.
    pub(super) fn new(bytes: &'a mut [u8], at: Plane) -> ViewMut<'a> {
        ViewMut { bytes, at }
    }

    pub(super) fn as_view(&self) -> View<'_> {
        View::new(self.bytes, self.at)
    }

    /// Whether its rows have no padding.
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

    /// Returns all rows as one, for a plane without padding.
    pub(super) fn all(&mut self) -> impl Iterator<Item = &mut [u8]> {
        let len = self.at.len().min(self.bytes.len());
        std::iter::once(&mut self.bytes[..len])
    }

    pub(super) fn copy(&mut self, from: View<'_>) {
        self.each(Some(from), |_| {});
    }

    /// Calls `work` with each row, after copying the row of `from`. In place and without padding,
    /// calls it once with all rows.
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

/// Copies as many bytes as both rows have.
pub(super) fn copy_row(to: &mut [u8], from: &[u8]) {
    let len = to.len().min(from.len());
    to[..len].copy_from_slice(&from[..len]);
}
