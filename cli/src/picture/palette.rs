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
    File,
    FileHuge,
    Zero,
    Swapped,
}

impl Ink {
    pub const ALL: [Ink; 10] = [
        Ink::Ground,
        Ink::Text,
        Ink::Faint,
        Ink::Absent,
        Ink::Private,
        Ink::PrivateHuge,
        Ink::File,
        Ink::FileHuge,
        Ink::Zero,
        Ink::Swapped,
    ];

    /// Its name in a picture, by which a style sheet finds it.
    pub const fn class(self) -> &'static str {
        match self {
            Ink::Ground => "ground",
            Ink::Text => "text",
            Ink::Faint => "faint",
            Ink::Absent => "absent",
            Ink::Private => "private",
            Ink::PrivateHuge => "private-huge",
            Ink::File => "file",
            Ink::FileHuge => "file-huge",
            Ink::Zero => "zero",
            Ink::Swapped => "swapped",
        }
    }

    /// On a light page. Hues are those of Okabe and Ito, which the colour-blind can tell apart, or
    /// a darker shade of one; those of neighbours in a picture differ in lightness, too, and so in
    /// a print without colours.
    pub const fn light(self) -> &'static str {
        match self {
            Ink::Ground => "#ffffff",
            Ink::Text => "#1a1a1a",
            Ink::Faint => "#595959",
            Ink::Absent => "#e4e4e4",
            Ink::Private => "#0072b2",
            Ink::PrivateHuge => "#003a5c",
            Ink::File => "#e69f00",
            Ink::FileHuge => "#a06000",
            Ink::Zero => "#009e73",
            Ink::Swapped => "#cc79a7",
        }
    }

    /// On a dark page.
    pub const fn dark(self) -> &'static str {
        match self {
            Ink::Ground => "#16181c",
            Ink::Text => "#ececec",
            Ink::Faint => "#a8a8a8",
            Ink::Absent => "#31353c",
            Ink::Private => "#3d9fdc",
            Ink::PrivateHuge => "#a5d8ff",
            Ink::File => "#e69f00",
            Ink::FileHuge => "#ffd27a",
            Ink::Zero => "#00b784",
            Ink::Swapped => "#e08dbb",
        }
    }
}
