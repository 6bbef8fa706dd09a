//! The levels above the scalar one. Each has a token that exists only if the processor supports the
//! instructions, which makes its methods safe to call.

#[cfg(target_arch = "x86_64")]
mod avx2;
#[cfg(target_arch = "aarch64")]
mod neon;

#[cfg(target_arch = "x86_64")]
pub(crate) use avx2::Avx2;
#[cfg(target_arch = "aarch64")]
pub(crate) use neon::Neon;

/// Implements the scalar kernels for a token, compiled with a target feature.
macro_rules! compile_again {
    ($token:ty, $feature:literal: $($name:ident($($argument:ident: $type:ty),*);)*) => {
        impl $token {
            $(pub(crate) fn $name(self, $($argument: $type),*) {
                #[target_feature(enable = $feature)]
                fn again($($argument: $type),*) {
                    $crate::scalar::$name($($argument),*);
                }
                // SAFETY: the token exists, so the processor has the feature.
                unsafe { again($($argument),*) }
            })*
        }
    };
    // The kernels that no level has written by hand.
    ($token:ty, $feature:literal) => {
        $crate::simd::compile_again! { $token, $feature:
            rgb_planar16(
                r: &mut [u8],
                g: &mut [u8],
                b: &mut [u8],
                depth: $crate::Depth,
                amount: $crate::Amount
            );
            rgb10(row: &mut [u8], format: $crate::Rgb10, amount: $crate::Amount);
            chroma16(row: &mut [u8], depth: $crate::Depth, amount: $crate::Amount);
            packed_luma(
                row: &mut [u8],
                format: $crate::Packed,
                weights: $crate::Weights,
                amount: $crate::Amount
            );
            luma_deltas8(
                chroma: $crate::Chroma<'_>,
                weights: $crate::Weights,
                amount: $crate::Amount,
                deltas: &mut [i16]
            );
            luma_deltas16(
                chroma: $crate::Chroma<'_>,
                depth: $crate::Depth,
                weights: $crate::Weights,
                amount: $crate::Amount,
                deltas: &mut [i16]
            );
            luma8(row: &mut [u8], deltas: &[i16], subsampling: $crate::Subsampling);
            luma16(
                row: &mut [u8],
                depth: $crate::Depth,
                deltas: &[i16],
                subsampling: $crate::Subsampling
            );
        }
    };
}
pub(crate) use compile_again;
