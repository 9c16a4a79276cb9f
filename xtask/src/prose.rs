//! The prose of the workspace: comments of source files, and Markdown outside of code.

use std::ops::Range;
use std::path::Path;

use anyhow::{Context as _, Result};
use proc_macro2::{TokenStream, TokenTree};

/// A heading, list item, table row or paragraph. Code is replaced by [`CODE`] and line breaks by
/// spaces, so that sentences can be searched.
#[derive(Debug, Default)]
pub struct Paragraph {
    pub text: String,
    /// For each line of the file that the text comes from, where in the text it begins.
    lines: Vec<(usize, usize)>,
}

/// Replaces code in a text. It is not a letter, so that it never counts as a word.
const CODE: &str = "§";

impl Paragraph {
    /// Returns the line of the file that a place in the text comes from.
    pub fn line(&self, at: usize) -> usize {
        let after = self.lines.partition_point(|(start, _)| *start <= at);
        self.lines[after.saturating_sub(1)].1
    }

    /// Returns the number of words outside of code.
    pub fn words(&self) -> usize {
        let words = self.text.split_whitespace();
        words
            .filter(|word| word.contains(|letter: char| letter.is_alphabetic()))
            .count()
    }

    fn add(&mut self, line: &str, number: usize) {
        if !self.text.is_empty() {
            self.text.push(' ');
        }
        self.lines.push((self.text.len(), number));
        self.text.push_str(line);
    }
}

/// A line's number, and its prose if it has any.
type Line = (usize, Option<String>);

/// The syntax of a file's comments.
#[derive(Debug, Clone, Copy)]
enum Language {
    Rust,
    C,
    /// Comments are lines that begin with `#`.
    Hash,
    Markdown,
}

impl Language {
    fn of(file: &Path) -> Option<Self> {
        match file.extension()?.to_str()? {
            "rs" => Some(Language::Rust),
            "c" | "h" | "cpp" => Some(Language::C),
            "toml" | "sh" => Some(Language::Hash),
            "md" => Some(Language::Markdown),
            _ => None,
        }
    }
}

/// Returns the prose of a file; `None` if files of this kind have no prose.
pub fn paragraphs(file: &Path, text: &str) -> Result<Option<Vec<Paragraph>>> {
    let numbered = |prose: fn(&str) -> Option<String>| {
        let lines = text.lines().enumerate();
        lines.map(|(at, line)| (at + 1, prose(line))).collect()
    };
    let lines = match Language::of(file) {
        None => return Ok(None),
        Some(Language::Markdown) => numbered(|line| Some(line.to_owned())),
        Some(Language::Hash) => numbered(hash_comment),
        Some(Language::C) => comment_lines(text, &c_comments(text)),
        Some(Language::Rust) => {
            let comments = rust_comments(text).with_context(|| file.display().to_string())?;
            comment_lines(text, &comments)
        }
    };
    Ok(Some(split(&lines)))
}

fn hash_comment(line: &str) -> Option<String> {
    let comment = line.trim_start().strip_prefix('#')?;
    (!comment.starts_with('!')).then(|| comment.trim().to_owned())
}

/// Returns the comments in each line, without their marks. A comment after code is a paragraph of
/// its own.
fn comment_lines(text: &str, comments: &[Range<usize>]) -> Vec<Line> {
    let mut lines = Vec::new();
    let mut start = 0;
    for (at, line) in text.split_inclusive('\n').enumerate() {
        let end = start + line.len();
        let first = comments.partition_point(|comment| comment.end <= start);
        let here = comments[first..]
            .iter()
            .take_while(|comment| comment.start < end);
        let mut has_comment = false;
        for comment in here {
            let (begin, stop) = (comment.start.max(start), comment.end.min(end));
            has_comment = true;
            let follows_code = !text[start..begin].trim().is_empty();
            if follows_code {
                lines.push((at + 1, None));
            }
            lines.push((at + 1, Some(without_marks(&text[begin..stop]).to_owned())));
            if follows_code {
                lines.push((at + 1, None));
            }
        }
        if !has_comment {
            lines.push((at + 1, None));
        }
        start = end;
    }
    lines
}

fn without_marks(line: &str) -> &str {
    let line = line.trim().trim_end_matches("*/");
    let slashes = line.trim_start_matches('/');
    if slashes.len() < line.len() {
        return slashes.trim_start_matches(['!', '*', '<']).trim();
    }
    line.strip_prefix('*').unwrap_or(line).trim()
}

/// Finds the comments of Rust source: the text between tokens, except white space. The parser turns
/// doc comments into tokens, which are recognized by the text that they come from.
fn rust_comments(text: &str) -> Result<Vec<Range<usize>>> {
    fn leaves(text: &str, tokens: TokenStream, code: &mut Vec<Range<usize>>) {
        for token in tokens {
            if let TokenTree::Group(group) = &token {
                // Documentation becomes a group whose brackets are the comment's ends.
                if is_comment(&text[group.span().byte_range()]) {
                    continue;
                }
                code.push(group.span_open().byte_range());
                leaves(text, group.stream(), code);
                code.push(group.span_close().byte_range());
            } else {
                code.push(token.span().byte_range());
            }
        }
    }
    let mut code = Vec::new();
    let tokens: TokenStream = text.parse().map_err(|error| anyhow::anyhow!("{error}"))?;
    leaves(text, tokens, &mut code);
    code.retain(|range| !is_comment(&text[range.clone()]));
    code.sort_by_key(|range| range.start);

    let mut comments = Vec::new();
    let mut add = |mut gap: Range<usize>| {
        // Several comments can lie in one gap, each on lines of its own.
        while let Some(start) = text[gap.clone()].find(['/']).map(|at| gap.start + at) {
            let rest = &text[start..gap.end];
            let length = if rest.starts_with("/*") {
                block_length(rest)
            } else {
                rest.find('\n').unwrap_or(rest.len())
            };
            comments.push(start..start + length);
            gap.start = start + length;
        }
    };
    let mut end = 0;
    for range in code {
        if range.start > end {
            add(end..range.start);
        }
        end = end.max(range.end);
    }
    add(end..text.len());
    Ok(comments)
}

fn is_comment(source: &str) -> bool {
    source.starts_with("//") || source.starts_with("/*")
}

/// Returns the length of a block comment, which can contain others in Rust.
fn block_length(text: &str) -> usize {
    let mut depth = 0;
    let mut at = 0;
    while at < text.len() {
        let rest = &text[at..];
        if rest.starts_with("/*") {
            (depth, at) = (depth + 1, at + 2);
        } else if rest.starts_with("*/") {
            (depth, at) = (depth - 1, at + 2);
            if depth == 0 {
                return at;
            }
        } else {
            at += rest.chars().next().map_or(1, char::len_utf8);
        }
    }
    text.len()
}

/// Finds the comments of C and C++, skipping strings and characters.
fn c_comments(text: &str) -> Vec<Range<usize>> {
    let mut comments = Vec::new();
    let bytes = text.as_bytes();
    let mut at = 0;
    while at < bytes.len() {
        let rest = &bytes[at..];
        let length = if rest.starts_with(b"//") {
            rest.iter()
                .position(|&byte| byte == b'\n')
                .unwrap_or(rest.len())
        } else if rest.starts_with(b"/*") {
            let end = rest[2..].windows(2).position(|bytes| bytes == b"*/");
            end.map_or(rest.len(), |end| end + 4)
        } else if let b'"' | b'\'' = rest[0] {
            at += quoted_length(rest);
            continue;
        } else {
            at += 1;
            continue;
        };
        comments.push(at..at + length);
        at += length;
    }
    comments
}

fn quoted_length(bytes: &[u8]) -> usize {
    let mut is_escaped = false;
    for (at, &byte) in bytes.iter().enumerate().skip(1) {
        if !is_escaped && (byte == bytes[0] || byte == b'\n') {
            return at + 1;
        }
        is_escaped = !is_escaped && byte == b'\\';
    }
    bytes.len()
}

/// Splits Markdown, or lines of comments, into paragraphs without code. `None` is a line without a
/// comment, which ends a paragraph.
fn split(lines: &[Line]) -> Vec<Paragraph> {
    let mut paragraphs = vec![Paragraph::default()];
    let mut is_code = false;
    for (number, line) in lines {
        let Some(line) = line.as_deref().map(str::trim) else {
            is_code = false;
            paragraphs.push(Paragraph::default());
            continue;
        };
        if line.starts_with("```") {
            is_code = !is_code;
            paragraphs.push(Paragraph::default());
        } else if line.is_empty() {
            paragraphs.push(Paragraph::default());
        } else if !is_code {
            let content = line.trim_start_matches(['#', '-', '*', '+', '>', '|', ' ']);
            let rest = content.trim_start_matches(|digit: char| digit.is_ascii_digit());
            let is_numbered = rest.len() < content.len() && rest.starts_with(". ");
            let content = if is_numbered { &rest[2..] } else { content };
            let begins_item = content.len() < line.len() && !line.starts_with("**");
            if begins_item {
                paragraphs.push(Paragraph::default());
            }
            if let Some(paragraph) = paragraphs.last_mut() {
                paragraph.add(content, *number);
            }
        }
    }
    paragraphs.retain(|paragraph| !paragraph.text.is_empty());
    for paragraph in &mut paragraphs {
        remove_code(paragraph);
    }
    paragraphs
}

/// Replaces code between backticks, addresses of links, and HTML comments.
fn remove_code(paragraph: &mut Paragraph) {
    let mut rest = paragraph.text.as_str();
    let mut text = String::new();
    let mut removed = Vec::new();
    while let Some(start) = rest.find(['`', '(', '<']) {
        let (opening, closing) = match &rest[start..] {
            code if code.starts_with("``") => ("``", "``"),
            code if code.starts_with('`') => ("`", "`"),
            html if html.starts_with("<!--") => ("<!--", "-->"),
            link if link.starts_with('(') && rest[..start].ends_with(']') => ("(", ")"),
            _ => ("", ""),
        };
        let inside = start + opening.len();
        let length = rest[inside..].find(closing).filter(|_| !opening.is_empty());
        let Some(length) = length else {
            text.push_str(&rest[..=start]);
            rest = &rest[start + 1..];
            continue;
        };
        let end = inside + length + closing.len();
        text.push_str(&rest[..start]);
        text.push_str(CODE);
        removed.push((text.len(), end - start - CODE.len().min(end - start)));
        rest = &rest[end..];
    }
    text.push_str(rest);
    // Lines that begin after a removed part move to the front by its length.
    for (start, _) in &mut paragraph.lines {
        for &(at, length) in &removed {
            if *start >= at {
                *start = (*start).saturating_sub(length).max(at);
            }
        }
    }
    paragraph.text = text;
}

#[cfg(test)]
mod tests {
    use super::*;

    /// Compares the prose of a file with the expected lines and texts.
    fn assert_prose(name: &str, text: &str, expected: &[(usize, &str)]) {
        let paragraphs = paragraphs(Path::new(name), text).unwrap().unwrap();
        let found = paragraphs.iter();
        let found: Vec<_> = found
            .map(|paragraph| (paragraph.line(0), paragraph.text.as_str()))
            .collect();
        assert_eq!(found, expected);
    }

    #[test]
    fn rust_comments_are_found() {
        let text = [
            "//! One `two::three()`,",
            "//! four.",
            "",
            "/// Five.",
            "/// ```",
            "/// code",
            "/// ```",
            "/// - Six",
            "fn f() { /* seven",
            " * eight */ g(\"// none\", '/', a / b) } // nine",
            "const R: &str = r#\"",
            "// none",
            "\"#;",
            "// ten",
        ];
        let expected = [
            (1, "One §, four."),
            (4, "Five."),
            (8, "Six"),
            (9, "seven"),
            (10, "eight"),
            (10, "nine"),
            (14, "ten"),
        ];
        assert_prose("a.rs", &text.join("\n"), &expected);
    }

    #[test]
    fn c_comments_are_found() {
        let text = "/* One\n * two. */\nchar *s = \"/* none */\\\"\"; // three\nchar c = '\"'; /* four */\n";
        let expected = [(1, "One two."), (3, "three"), (4, "four")];
        assert_prose("a.h", text, &expected);
    }

    #[test]
    fn markdown_code_is_left_out() {
        let text = "# One\n\nTwo [three](https://four.five) `six`\nseven.\n```\neight\n```\n\
                    1. nine\n| ten | eleven |\n<!-- twelve -->\n";
        let expected = [
            (1, "One"),
            (3, "Two [three]§ § seven."),
            (8, "nine"),
            (9, "ten | eleven | §"),
        ];
        assert_prose("a.md", text, &expected);
    }

    #[test]
    fn places_map_to_lines() {
        let text = "# `one` two\n# `three` four\n#!not\nfive = 6 # seven\n# eight\n";
        let paragraphs = paragraphs(Path::new("a.toml"), text).unwrap().unwrap();
        let [first, second] = &paragraphs[..] else {
            panic!("{paragraphs:?}");
        };
        assert_eq!(first.text, "§ two § four");
        assert_eq!(first.words(), 2);
        assert_eq!(first.line(first.text.find("two").unwrap()), 1);
        assert_eq!(first.line(first.text.find("four").unwrap()), 2);
        assert_eq!((second.text.as_str(), second.line(0)), ("eight", 5));
    }
}
