//! The supported instruction sets.
#![forbid(unsafe_code)]

/// An instruction set.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
pub enum Level {
    /// The baseline of the architecture. It is the specification.
    Scalar,
    /// x86-64 with AVX2.
    Avx2,
    /// 64-bit ARM.
    Neon,
}

impl Level {
    /// Returns the fastest level of this processor.
    pub fn best() -> Self {
        Self::available().last().unwrap_or(Self::Scalar)
    }

    /// Returns all levels of this processor, the fastest last.
    pub fn available() -> impl Iterator<Item = Self> {
        [Self::Scalar, Self::Neon, Self::Avx2]
            .into_iter()
            .filter(|level| level.is_available())
    }

    /// Whether this processor supports it.
    pub fn is_available(self) -> bool {
        match self {
            Self::Scalar => true,
            #[cfg(target_arch = "x86_64")]
            Self::Avx2 => std::arch::is_x86_feature_detected!("avx2"),
            #[cfg(target_arch = "aarch64")]
            Self::Neon => std::arch::is_aarch64_feature_detected!("neon"),
            #[cfg_attr(
                not(any(target_arch = "x86_64", target_arch = "aarch64")),
                expect(
                    unreachable_patterns,
                    reason = "on other architectures some level is missing"
                )
            )]
            _ => false,
        }
    }
}
