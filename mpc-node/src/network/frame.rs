//! Frames on a stream: a length (4 bytes, big-endian) and that many bytes. An empty frame is a
//! sign of life.

use futures::{AsyncRead, AsyncReadExt as _, AsyncWrite, AsyncWriteExt as _};

/// Bytes that a frame takes beside its contents.
pub const PREFIX_BYTES: usize = 4;

/// Why a frame could not be read.
#[derive(Debug, thiserror::Error)]
pub enum FrameError {
    /// The stream broke or ended.
    #[error("the stream ended: {0}")]
    Stream(#[from] std::io::Error),
    /// The peer announced more than is allowed.
    #[error("a frame of {actual} bytes was announced, and at most {limit} are allowed")]
    TooLong {
        /// The announced length in bytes.
        actual: usize,
        /// The bound.
        limit: usize,
    },
}

/// Reads the length of the next frame.
///
/// # Errors
/// [`FrameError`].
pub async fn read_length(
    stream: &mut (impl AsyncRead + Unpin),
    limit: usize,
) -> Result<usize, FrameError> {
    let mut prefix = [0; PREFIX_BYTES];
    stream.read_exact(&mut prefix).await?;
    let actual = u32::from_be_bytes(prefix) as usize;
    if actual > limit {
        return Err(FrameError::TooLong { actual, limit });
    }
    Ok(actual)
}

/// Reads the contents of a frame. Memory is taken as bytes arrive, not as they are announced.
///
/// # Errors
/// [`FrameError::Stream`].
pub async fn read_contents(
    stream: &mut (impl AsyncRead + Unpin),
    length: usize,
) -> Result<Vec<u8>, FrameError> {
    let mut bytes = Vec::new();
    stream.take(length as u64).read_to_end(&mut bytes).await?;
    if bytes.len() < length {
        return Err(std::io::Error::from(std::io::ErrorKind::UnexpectedEof).into());
    }
    Ok(bytes)
}

/// Reads one frame of at most `limit` bytes.
///
/// # Errors
/// [`FrameError`].
pub async fn read(
    stream: &mut (impl AsyncRead + Unpin),
    limit: usize,
) -> Result<Vec<u8>, FrameError> {
    let length = read_length(stream, limit).await?;
    read_contents(stream, length).await
}

/// Writes one frame and flushes. Returns the bytes written.
///
/// # Errors
/// What the stream says.
pub async fn write(
    stream: &mut (impl AsyncWrite + Unpin),
    contents: &[u8],
) -> std::io::Result<u64> {
    let length = u32::try_from(contents.len())
        .map_err(|_| std::io::Error::from(std::io::ErrorKind::InvalidInput))?;
    stream.write_all(&length.to_be_bytes()).await?;
    stream.write_all(contents).await?;
    stream.flush().await?;
    Ok((PREFIX_BYTES + contents.len()) as u64)
}

#[cfg(test)]
mod tests {
    use futures::{executor::block_on, io::Cursor};

    use super::*;

    #[test]
    fn frames_are_bounded_before_anything_is_read() {
        let framed = |contents: &[u8]| {
            let mut bytes = Vec::new();
            block_on(write(&mut bytes, contents)).map(|_| bytes)
        };
        let bytes = framed(&[7; 100]).unwrap_or_default();
        assert_eq!(bytes.len(), 104);
        let read_back = |limit| block_on(read(&mut Cursor::new(&bytes), limit));
        assert!(matches!(read_back(100), Ok(contents) if contents == [7; 100]));
        assert!(matches!(
            read_back(99),
            Err(FrameError::TooLong {
                actual: 100,
                limit: 99
            })
        ));
        for cut in 0..bytes.len() {
            let error = block_on(read(&mut Cursor::new(&bytes[..cut]), 100));
            assert!(matches!(error, Err(FrameError::Stream(_))), "{cut}");
        }
    }

    #[test]
    fn a_huge_announcement_takes_no_memory() {
        let mut bytes = (1u32 << 30).to_be_bytes().to_vec();
        bytes.extend([1; 10]);
        let error = block_on(read(&mut Cursor::new(bytes), 1 << 30));
        assert!(matches!(error, Err(FrameError::Stream(_))));
    }
}
