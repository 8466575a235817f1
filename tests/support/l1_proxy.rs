//! An L1 that cannot be relied on: a proxy in front of a real one, which a test makes lose logs, forget
//! transactions or ask for other fees.

use std::sync::{Arc, Mutex, PoisonError};

use alloy::transports::http::reqwest;
use eyre::{Result, eyre};
use serde_json::{Value, json};
use tokio::{
    io::{AsyncReadExt as _, AsyncWriteExt as _},
    net::{TcpListener, TcpStream},
    task::JoinHandle,
};

/// What goes wrong. One request is looked at at a time.
pub trait Trouble: Send + 'static {
    /// An answer in the place of the chain's, which then does not see the request.
    fn instead(&mut self, method: &str, params: &Value) -> Option<Value> {
        let _ = (method, params);
        None
    }

    /// Changes the chain's answer.
    fn alter(&mut self, method: &str, params: &Value, result: &mut Value);
}

/// A running proxy; it stops when this is dropped.
#[derive(Debug)]
pub struct L1Proxy {
    url: String,
    serving: JoinHandle<()>,
}

impl L1Proxy {
    /// Stands in front of the L1 at this URL.
    ///
    /// # Errors
    /// If it cannot listen.
    pub async fn start<T: Trouble>(l1: &str, trouble: Arc<Mutex<T>>) -> Result<Self> {
        let listener = TcpListener::bind("127.0.0.1:0").await?;
        let url = format!("http://{}", listener.local_addr()?);
        let l1 = l1.to_owned();
        let client = reqwest::Client::builder().no_proxy().build()?;
        let serving = tokio::spawn(async move {
            while let Ok((stream, _)) = listener.accept().await {
                let (client, l1, trouble) = (client.clone(), l1.clone(), trouble.clone());
                tokio::spawn(async move {
                    // Whoever asked asks again.
                    let _ = converse(stream, &client, &l1, &trouble).await;
                });
            }
        });
        Ok(Self { url, serving })
    }

    /// Where it is.
    #[must_use]
    pub fn url(&self) -> String {
        self.url.clone()
    }
}

impl Drop for L1Proxy {
    fn drop(&mut self) {
        self.serving.abort();
    }
}

/// Serves one request.
async fn converse<T: Trouble>(
    mut stream: TcpStream,
    client: &reqwest::Client,
    l1: &str,
    trouble: &Mutex<T>,
) -> Result<()> {
    let request = read(&mut stream).await?;
    let request: Value = serde_json::from_slice(&request)?;
    let (method, params) = (
        request["method"].as_str().unwrap_or_default(),
        &request["params"],
    );
    let lock = || trouble.lock().unwrap_or_else(PoisonError::into_inner);
    let instead = lock().instead(method, params);
    let answer = match instead {
        Some(result) => json!({"jsonrpc": "2.0", "id": request["id"], "result": result}),
        None => {
            let body = request.to_string();
            let asked = client
                .post(l1)
                .header("content-type", "application/json")
                .body(body);
            let mut answer: Value = serde_json::from_str(&asked.send().await?.text().await?)?;
            if let Some(result) = answer.get_mut("result") {
                lock().alter(method, params, result);
            }
            answer
        }
    };
    let answer = answer.to_string();
    let head = "HTTP/1.1 200 OK\r\ncontent-type: application/json\r\nconnection: close";
    let answer = format!("{head}\r\ncontent-length: {}\r\n\r\n{answer}", answer.len());
    stream.write_all(answer.as_bytes()).await?;
    Ok(())
}

/// The body of a request.
async fn read(stream: &mut TcpStream) -> Result<Vec<u8>> {
    let (mut bytes, mut piece) = (Vec::new(), [0; 16 * 1024]);
    loop {
        let count = stream.read(&mut piece).await?;
        if count == 0 {
            return Err(eyre!("the request ends too early"));
        }
        bytes.extend_from_slice(&piece[..count]);
        let Some(end) = bytes.windows(4).position(|four| four == b"\r\n\r\n") else {
            continue;
        };
        let head = String::from_utf8_lossy(&bytes[..end]).to_ascii_lowercase();
        let length = head
            .lines()
            .find_map(|line| line.strip_prefix("content-length:"));
        let length: usize = length.unwrap_or_default().trim().parse()?;
        let body = end + 4;
        if bytes.len() >= body + length {
            return Ok(bytes.split_off(body));
        }
    }
}
