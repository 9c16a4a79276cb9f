//! Buffers for queries, aligned as native structures are.

use super::nt::Answer;
use super::status::Status;

/// A buffer that grows to the size that a query needs, and keeps it for the next one.
#[derive(Debug, Default)]
pub(crate) struct Buffer {
    words: Vec<u64>,
}

/// A buffer of a fixed size.
#[derive(Debug)]
#[repr(C, align(8))]
pub(crate) struct Fixed<const N: usize>(pub(crate) [u8; N]);

/// The first size in bytes: enough for any name, and for the processes of an idle machine.
const FIRST_SIZE: usize = 64 * 1024;

impl Buffer {
    /// Runs a query, and returns the bytes that it wrote.
    ///
    /// A query that does not fit is repeated with the size that it asks for and a quarter more,
    /// because a list can grow before it is read again.
    pub(crate) fn fill(
        &mut self,
        mut query: impl FnMut(&mut [u8]) -> Answer,
    ) -> Result<&[u8], Status> {
        if self.words.is_empty() {
            self.resize(FIRST_SIZE)?;
        }
        loop {
            let Answer { status, length } = query(self.bytes_mut());
            if status.check().is_ok() {
                let bytes = self.bytes();
                return Ok(&bytes[..length.min(bytes.len())]);
            }
            if !status.is_too_short() {
                return Err(status);
            }
            let size = size_of_val(&self.words[..]);
            // Some classes do not report a size.
            let needed = if length > size { length } else { size * 2 };
            self.resize(needed.saturating_add(needed / 4))?;
        }
    }

    /// Runs a query with at most `limit` bytes, and repeats it with a larger buffer while that is
    /// possible. Returns the buffer and the last answer.
    pub(crate) fn fill_up_to(
        &mut self,
        limit: usize,
        mut query: impl FnMut(&mut [u8]) -> Answer,
    ) -> Result<(&[u8], Answer), Status> {
        let mut size = limit.min(FIRST_SIZE);
        loop {
            self.resize(size)?;
            let answer = query(&mut self.bytes_mut()[..size]);
            if size == limit || !answer.status.is_too_short() {
                return Ok((&self.bytes()[..size], answer));
            }
            size = size.saturating_mul(2).max(answer.length).min(limit);
        }
    }

    /// Returns space for bytes that no query writes.
    pub(crate) fn space(&mut self, size: usize) -> Result<&mut [u8], Status> {
        if size_of_val(&self.words[..]) < size {
            self.resize(size)?;
        }
        Ok(&mut self.bytes_mut()[..size])
    }

    fn resize(&mut self, size: usize) -> Result<(), Status> {
        // A query cannot express a larger size.
        if u32::try_from(size).is_err() {
            return Err(Status::NO_MEMORY);
        }
        let words = size.div_ceil(size_of::<u64>());
        let more = words.saturating_sub(self.words.len());
        self.words
            .try_reserve_exact(more)
            .map_err(|_| Status::NO_MEMORY)?;
        self.words.resize(words, 0);
        Ok(())
    }

    /// Returns the bytes of the last query, and what follows them.
    pub(crate) fn bytes(&self) -> &[u8] {
        let size = size_of_val(&self.words[..]);
        // SAFETY: every byte of the words is initialized, and `u8` needs no alignment.
        unsafe { std::slice::from_raw_parts(self.words.as_ptr().cast(), size) }
    }

    fn bytes_mut(&mut self) -> &mut [u8] {
        let size = size_of_val(&self.words[..]);
        // SAFETY: every byte of the words is initialized, any byte is valid in a word, and `u8`
        // needs no alignment.
        unsafe { std::slice::from_raw_parts_mut(self.words.as_mut_ptr().cast(), size) }
    }
}

impl<const N: usize> Fixed<N> {
    pub(crate) const fn new() -> Self {
        Fixed([0; N])
    }

    /// Runs a query, and returns the bytes that it wrote.
    pub(crate) fn fill(
        &mut self,
        query: impl FnOnce(&mut [u8]) -> Answer,
    ) -> Result<&[u8], Status> {
        let Answer { status, length } = query(&mut self.0);
        status.check()?;
        Ok(&self.0[..length.min(N)])
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    /// A list of `length` bytes, as a query for it behaves.
    fn list(length: usize, buffer: &mut [u8]) -> Answer {
        let status = if length > buffer.len() {
            Status::INFO_LENGTH_MISMATCH
        } else {
            buffer[..length].fill(7);
            Status::SUCCESS
        };
        Answer { status, length }
    }

    #[test]
    fn growing_list_is_read_again() {
        let mut lengths = [100_000, 200_000, 210_000].into_iter();
        let mut buffer = Buffer::default();
        let bytes = buffer.fill(|buffer| list(lengths.next().unwrap(), buffer));
        assert_eq!(bytes.unwrap(), vec![7; 210_000]);
        // The next query fits at once.
        let bytes = buffer.fill(|buffer| list(220_000, buffer));
        assert_eq!(bytes.unwrap().len(), 220_000);
        assert_eq!(lengths.next(), None);
    }

    #[test]
    fn query_without_size_doubles_buffer() {
        let mut sizes = Vec::new();
        let mut buffer = Buffer::default();
        let bytes = buffer.fill(|buffer| {
            sizes.push(buffer.len());
            let answer = list(300_000, buffer);
            Answer {
                length: if answer.status == Status::SUCCESS {
                    5
                } else {
                    0
                },
                ..answer
            }
        });
        assert_eq!(bytes.unwrap(), [7; 5]);
        assert!(sizes.is_sorted() && sizes.len() > 2, "{sizes:?}");
    }

    #[test]
    fn failed_query_is_not_repeated() {
        let mut calls = 0;
        let mut buffer = Buffer::default();
        let result = buffer.fill(|_| {
            calls += 1;
            Answer {
                status: Status::ACCESS_DENIED,
                length: 0,
            }
        });
        assert_eq!((result, calls), (Err(Status::ACCESS_DENIED), 1));
    }

    #[test]
    fn endless_list_fails_without_memory() {
        let mut buffer = Buffer::default();
        let result = buffer.fill(|_| Answer {
            status: Status::INFO_LENGTH_MISMATCH,
            length: u32::MAX as usize,
        });
        assert_eq!(result, Err(Status::NO_MEMORY));
    }
}
