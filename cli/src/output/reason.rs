//! The reason of a failed input or output operation, as text for a message.

use std::io;

/// Returns the text of an error for use within a sentence, as the messages of the library have it:
/// in lower case, and without the period, the error number and the name of a temporary file that
/// follow it. Some texts of Windows have a place for the name of the file, which the caller prints.
pub fn os_reason(error: &io::Error) -> String {
    let text = error.to_string();
    let Some(end) = text.find(" (os error") else {
        return text;
    };
    let mut reason = text[..end].trim_end_matches('.').replace("%1", "the file");
    if let Some(first) = reason.get_mut(..1) {
        first.make_ascii_lowercase();
    }
    reason
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn number_and_path_are_removed() {
        let (code, text) = if cfg!(windows) {
            (5, "access")
        } else {
            (13, "permission denied")
        };
        let denied = io::Error::from_raw_os_error(code);
        let reason = os_reason(&denied);
        assert!(reason.starts_with(text) && reason.ends_with("denied"));
        let temporary = io::Error::other(format!("{denied} at path \"/tmp/.psapi-x\""));
        assert_eq!(os_reason(&temporary), reason);
        assert_eq!(os_reason(&io::Error::other("UTF-8 only")), "UTF-8 only");
    }
}
