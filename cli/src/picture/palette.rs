//! The colors of pictures, by meaning.

use super::page_kind::PageKind;

/// The meaning of a color.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Color {
    Background,
    Text,
    /// Less important text, and lines.
    Faint,
    /// Mapped memory without a resident page.
    Absent,
    Page(PageKind),
    MinorFault,
    MajorFault,
}

impl Color {
    /// Returns every color.
    pub fn all() -> impl Iterator<Item = Color> {
        [Color::Background, Color::Text, Color::Faint, Color::Absent]
            .into_iter()
            .chain(PageKind::ALL.map(Color::Page))
            .chain([Color::MinorFault, Color::MajorFault])
    }

    /// Returns the class by which a style sheet finds the color, the color on a light background,
    /// and the color on a dark one.
    ///
    /// The hues are from the palette by Okabe and Ito, which is safe for color-blind readers.
    /// Colors that can meet in one mapping also differ in lightness, so they stay distinct in gray.
    const fn definition(self) -> (&'static str, &'static str, &'static str) {
        match self {
            Color::Background => ("ground", "#ffffff", "#16181c"),
            Color::Text => ("text", "#1a1a1a", "#ececec"),
            Color::Faint => ("faint", "#595959", "#a8a8a8"),
            Color::Absent => ("absent", "#e8e8e8", "#2c3037"),
            Color::Page(PageKind::Private) => ("private", "#0072b2", "#3d9fdc"),
            Color::Page(PageKind::PrivateHuge) => ("private-huge", "#003a5c", "#b5dcff"),
            Color::Page(PageKind::Forked) => ("forked", "#8cc9f0", "#2a6a96"),
            Color::Page(PageKind::File) => ("file", "#e69f00", "#e69f00"),
            Color::Page(PageKind::Shared) => ("shared", "#cc79a7", "#e08dbb"),
            Color::Page(PageKind::Hugetlb) => ("hugetlb", "#009e73", "#00b784"),
            Color::Page(PageKind::Device) => ("device", "#b8a800", "#d8c800"),
            Color::Page(PageKind::Zero) => ("zero", "#767676", "#9a9a9a"),
            Color::Page(PageKind::Swapped) => ("swapped", "#d55e00", "#ff7f2a"),
            Color::Page(PageKind::Guard) => ("guard", "#404040", "#c4c4c4"),
            Color::Page(PageKind::Added) => ("added", "#007a59", "#00b784"),
            Color::Page(PageKind::Removed) => ("removed", "#d55e00", "#ff7f2a"),
            Color::Page(PageKind::Replaced) => ("replaced", "#6b2f55", "#f0b8d8"),
            Color::Page(PageKind::Changed) => ("changed", "#e69f00", "#e69f00"),
            Color::Page(PageKind::SharesChanged) => ("shares-changed", "#6a9bbd", "#3f7296"),
            Color::Page(PageKind::Unchanged) => ("unchanged", "#c3cad1", "#525b66"),
            Color::MinorFault => ("minor", "#0072b2", "#3d9fdc"),
            Color::MajorFault => ("major", "#d55e00", "#ff7f2a"),
        }
    }

    pub const fn class(self) -> &'static str {
        self.definition().0
    }

    pub const fn light(self) -> &'static str {
        self.definition().1
    }

    pub const fn dark(self) -> &'static str {
        self.definition().2
    }
}
