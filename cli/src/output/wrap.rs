//! Breaks text into lines between words.

use unicode_width::UnicodeWidthStr;

/// Returns the lines of a text, each at most `width` wide. A longer word has a line of its own.
pub fn lines(text: &str, width: Option<usize>) -> Vec<String> {
    let Some(width) = width else {
        return vec![text.to_owned()];
    };
    let mut lines: Vec<String> = Vec::new();
    for word in text.split(' ') {
        match lines.last_mut() {
            Some(line) if line.width() + 1 + word.width() <= width => {
                line.push(' ');
                line.push_str(word);
            }
            _ => lines.push(word.to_owned()),
        }
    }
    lines
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn lines_break_between_words() {
        let text = "3 processes, 漢字";
        assert_eq!(lines(text, None), [text]);
        assert_eq!(lines(text, Some(17)), [text]);
        assert_eq!(lines(text, Some(16)), ["3 processes,", "漢字"]);
        assert_eq!(lines(text, Some(5)), ["3", "processes,", "漢字"]);
    }
}
