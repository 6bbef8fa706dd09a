//! Runs the kernels over the rows of a frame.

use acscall_pixels::{Amount, Chroma, Kernels, Weights};

use super::plan::{ChromaPlanes, Plan, Planes, Sample, Work};
use super::view::{View, ViewMut, copy_row};

/// Makes frames gray.
#[derive(Clone, Copy, Debug)]
pub(super) struct Painter {
    pub(super) kernels: Kernels,
    pub(super) plan: Plan,
    /// Whether alternate rows belong to different fields.
    pub(super) interlaced: bool,
}

impl Painter {
    /// Applies `work` to `to`. With `from`, copies each row from there first, so that the kernels
    /// find it in the nearest cache. Planes that `work` overwrites are not copied.
    pub(super) fn paint(&self, work: Work, to: &mut [ViewMut<'_>; 4], from: Option<[View<'_>; 4]>) {
        match (work, self.plan) {
            (Work::Nothing, _) | (_, Plan::Gray) => {
                for (to, from) in to.iter_mut().zip(from.into_iter().flatten()) {
                    to.copy(from);
                }
            }
            (Work::DropChroma, _) => self.mix(Amount::FULL, Weights::NONE, to, from),
            (Work::Mix { amount, weights }, _) => self.mix(amount, weights, to, from),
        }
    }

    fn mix(
        &self,
        amount: Amount,
        weights: Weights,
        to: &mut [ViewMut<'_>; 4],
        from: Option<[View<'_>; 4]>,
    ) {
        let kernels = &self.kernels;
        let source = from.map(|[plane, ..]| plane);
        match self.plan {
            Plan::Gray => {}
            Plan::Planes(planes) => self.planes(planes, amount, weights, to, from),
            Plan::Packed(packed) if weights == Weights::NONE => {
                to[0].each(source, |row| kernels.packed(row, packed, amount));
            }
            Plan::Packed(packed) => to[0].each(source, |row| {
                kernels.packed_luma(row, packed, weights, amount);
            }),
            Plan::Rgb(layout) => to[0].each(source, |row| kernels.rgb(row, layout, amount)),
            Plan::Rgb10(layout) => to[0].each(source, |row| kernels.rgb10(row, layout, amount)),
            Plan::RgbPlanes { planes, sample } => {
                self.rgb_planes(planes, sample, amount, to, from);
            }
        }
    }

    fn planes(
        &self,
        planes: Planes,
        amount: Amount,
        weights: Weights,
        to: &mut [ViewMut<'_>; 4],
        from: Option<[View<'_>; 4]>,
    ) {
        // Luma first: it needs the original chroma.
        if weights != Weights::NONE {
            self.luma(planes, amount, weights, to, from);
        } else if let Some(from) = from {
            to[0].copy(from[0]);
        }
        for plane in planes.chroma.planes() {
            // Planes that are filled are not read.
            let from = from.map(|from| from[plane]);
            let from = from.filter(|_| amount != Amount::FULL);
            to[plane].each(from, |row| match planes.sample {
                Sample::Byte => self.kernels.chroma8(row, amount),
                Sample::Word(depth) => self.kernels.chroma16(row, depth, amount),
            });
        }
        if let (Some(plane), Some(from)) = (planes.alpha, from) {
            to[plane].copy(from[plane]);
        }
    }

    fn luma(
        &self,
        planes: Planes,
        amount: Amount,
        weights: Weights,
        to: &mut [ViewMut<'_>; 4],
        from: Option<[View<'_>; 4]>,
    ) {
        let [luma, one, two, _] = to;
        let chroma = match from {
            Some([_, one, two, _]) => [one, two],
            None => [one.as_view(), two.as_view()],
        };
        // For the last row of chroma in each field.
        let mut deltas = [(); 2].map(|()| (None, Vec::new()));
        for (y, row) in luma.rows().enumerate() {
            if let Some([from, ..]) = from {
                copy_row(row, from.row(y));
            }
            let (last, deltas) = &mut deltas[if self.interlaced { y % 2 } else { 0 }];
            let at = self.chroma_row(y, planes.rows_shift, chroma[0].n_rows());
            if last.replace(at) != Some(at) {
                self.deltas(planes, amount, weights, chroma, at, deltas);
            }
            match planes.sample {
                Sample::Byte => self.kernels.luma8(row, deltas, planes.columns),
                Sample::Word(depth) => self.kernels.luma16(row, depth, deltas, planes.columns),
            }
        }
    }

    /// Returns the row of chroma of a row of luma. In interlaced frames it belongs to the same field.
    /// If the height leaves a field without a last row, it is the row before.
    fn chroma_row(&self, y: usize, shift: u32, rows: usize) -> usize {
        if !self.interlaced {
            return y >> shift;
        }
        let (line, field) = (y / 2, y % 2);
        let at = (line >> shift) * 2 + field;
        if at < rows { at } else { at.saturating_sub(2) }
    }

    fn deltas(
        &self,
        planes: Planes,
        amount: Amount,
        weights: Weights,
        chroma: [View<'_>; 2],
        at: usize,
        deltas: &mut Vec<i16>,
    ) {
        let [one, two] = chroma.map(|plane| plane.row(at));
        let (chroma, bytes) = match planes.chroma {
            ChromaPlanes::Apart { u: 1, .. } => (Chroma::Planar { u: one, v: two }, one.len()),
            ChromaPlanes::Apart { .. } => (Chroma::Planar { u: two, v: one }, one.len()),
            ChromaPlanes::Uv => (Chroma::Uv(one), one.len() / 2),
            ChromaPlanes::Vu => (Chroma::Vu(one), one.len() / 2),
        };
        match planes.sample {
            Sample::Byte => {
                deltas.resize(bytes, 0);
                self.kernels.luma_deltas8(chroma, weights, amount, deltas);
            }
            Sample::Word(depth) => {
                deltas.resize(bytes / 2, 0);
                self.kernels
                    .luma_deltas16(chroma, depth, weights, amount, deltas);
            }
        }
    }

    fn rgb_planes(
        &self,
        planes: [usize; 3],
        sample: Sample,
        amount: Amount,
        to: &mut [ViewMut<'_>; 4],
        from: Option<[View<'_>; 4]>,
    ) {
        let gray = |mut rows: [&mut [u8]; 3]| {
            let [r, g, b] = planes.map(|plane| std::mem::take(&mut rows[plane]));
            match sample {
                Sample::Byte => self.kernels.rgb_planar8(r, g, b, amount),
                Sample::Word(depth) => self.kernels.rgb_planar16(r, g, b, depth, amount),
            }
        };
        let [one, two, three, alpha] = to;
        if from.is_none() && one.is_dense() && two.is_dense() && three.is_dense() {
            let planes = one.all().zip(two.all()).zip(three.all());
            planes.for_each(|((one, two), three)| gray([one, two, three]));
            return;
        }
        let rows = one.rows().zip(two.rows()).zip(three.rows());
        for (y, ((one, two), three)) in rows.enumerate() {
            let mut rows = [one, two, three];
            if let Some(from) = from {
                for (to, from) in rows.iter_mut().zip(from) {
                    copy_row(to, from.row(y));
                }
            }
            gray(rows);
        }
        if let Some([.., from]) = from {
            alpha.copy(from);
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn chroma_of_an_interlaced_frame_belongs_to_its_field() {
        let painter = |interlaced| Painter {
            kernels: Kernels::best(),
            plan: Plan::Gray,
            interlaced,
        };
        let rows = |interlaced, height: usize, shift| -> Vec<usize> {
            let chroma = height.div_ceil(1usize << shift);
            (0..height)
                .map(|y| painter(interlaced).chroma_row(y, shift, chroma))
                .collect()
        };
        assert_eq!(rows(false, 5, 1), [0, 0, 1, 1, 2]);
        assert_eq!(rows(true, 8, 1), [0, 1, 0, 1, 2, 3, 2, 3]);
        // The last row of the second field shares the chroma of the row before.
        assert_eq!(rows(true, 6, 1), [0, 1, 0, 1, 2, 1]);
        assert_eq!(rows(true, 4, 0), [0, 1, 2, 3]);
        assert_eq!(rows(true, 1, 1), [0]);
        assert_eq!(rows(true, 2, 1), [0, 0]);
    }
}
