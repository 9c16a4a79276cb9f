//! The inks that pictures are drawn with.

/// What something is drawn with, by its meaning.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Ink {
    /// The page.
    Ground,
    /// Writing.
    Text,
    /// Writing of less weight, and lines.
    Faint,
    /// Memory without a page.
    Absent,
    Private,
    PrivateHuge,
    Forked,
    File,
    Shared,
    Hugetlb,
    Device,
    Zero,
    Swapped,
    Guard,
    Soft,
    Hard,
}

impl Ink {
    pub const ALL: [Ink; 16] = [
        Ink::Ground,
        Ink::Text,
        Ink::Faint,
        Ink::Absent,
        Ink::Private,
        Ink::PrivateHuge,
        Ink::Forked,
        Ink::File,
        Ink::Shared,
        Ink::Hugetlb,
        Ink::Device,
        Ink::Zero,
        Ink::Swapped,
        Ink::Guard,
        Ink::Soft,
        Ink::Hard,
    ];

    /// Its name in a picture, by which a style sheet finds it; its colour on a light page, and on
    /// a dark one.
    ///
    /// Hues are those of Okabe and Ito, which the colour-blind can tell apart, or shades of them.
    /// Those that meet in one mapping differ in lightness, too, and so in a print without colours.
    const fn look(self) -> (&'static str, &'static str, &'static str) {
        match self {
            Ink::Ground => ("ground", "#ffffff", "#16181c"),
            Ink::Text => ("text", "#1a1a1a", "#ececec"),
            Ink::Faint => ("faint", "#595959", "#a8a8a8"),
            Ink::Absent => ("absent", "#e8e8e8", "#2c3037"),
            Ink::Private => ("private", "#0072b2", "#3d9fdc"),
            Ink::PrivateHuge => ("private-huge", "#003a5c", "#b5dcff"),
            Ink::Forked => ("forked", "#8cc9f0", "#2a6a96"),
            Ink::File => ("file", "#e69f00", "#e69f00"),
            Ink::Shared => ("shared", "#cc79a7", "#e08dbb"),
            Ink::Hugetlb => ("hugetlb", "#009e73", "#00b784"),
            Ink::Device => ("device", "#b8a800", "#d8c800"),
            Ink::Zero => ("zero", "#767676", "#9a9a9a"),
            Ink::Swapped => ("swapped", "#d55e00", "#ff7f2a"),
            Ink::Guard => ("guard", "#404040", "#c4c4c4"),
            Ink::Soft => ("soft", "#0072b2", "#3d9fdc"),
            Ink::Hard => ("hard", "#d55e00", "#ff7f2a"),
        }
    }

    pub const fn class(self) -> &'static str {
        self.look().0
    }

    pub const fn light(self) -> &'static str {
        self.look().1
    }

    pub const fn dark(self) -> &'static str {
        self.look().2
    }
}
