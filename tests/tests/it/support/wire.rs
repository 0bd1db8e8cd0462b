//! Any rpc by its path, with messages as bytes: what a program with other stubs, or none, would send.

use std::time::Duration;

use bytes::{Buf as _, BufMut as _};
use tonic::client::Grpc;
use tonic::codec::{Codec, DecodeBuf, Decoder, EncodeBuf, Encoder};
use tonic::codegen::http::uri::PathAndQuery;
use tonic::service::interceptor::InterceptedService;
use tonic::{Request, Status};

use super::api::Api;

/// A stream that says nothing for so long is taken to have been opened.
const SILENCE: Duration = Duration::from_millis(250);

/// Messages that are not looked into.
#[derive(Debug, Clone, Copy)]
struct Raw;

impl Codec for Raw {
    type Encode = Vec<u8>;
    type Decode = Vec<u8>;
    type Encoder = Raw;
    type Decoder = Raw;

    fn encoder(&mut self) -> Raw {
        Raw
    }

    fn decoder(&mut self) -> Raw {
        Raw
    }
}

impl Encoder for Raw {
    type Item = Vec<u8>;
    type Error = Status;

    fn encode(&mut self, message: Vec<u8>, out: &mut EncodeBuf<'_>) -> Result<(), Status> {
        out.put_slice(&message);
        Ok(())
    }
}

impl Decoder for Raw {
    type Item = Vec<u8>;
    type Error = Status;

    fn decode(&mut self, from: &mut DecodeBuf<'_>) -> Result<Option<Vec<u8>>, Status> {
        let mut message = vec![0; from.remaining()];
        from.copy_to_slice(&mut message);
        Ok(Some(message))
    }
}

impl Api {
    /// Sends one message to an rpc of any kind, and takes the first of the answer; none of a stream that ends or
    /// waits without one.
    pub(crate) async fn ask(
        &self,
        path: &str,
        message: Vec<u8>,
    ) -> Result<Option<Vec<u8>>, Status> {
        let service = InterceptedService::new(self.channel.clone(), self.bearer.clone());
        let mut client = Grpc::new(service).max_decoding_message_size(super::api::LARGEST_ANSWER);
        client
            .ready()
            .await
            .map_err(|error| Status::unknown(error.to_string()))?;
        let path = PathAndQuery::try_from(path).expect("a path");
        let request = Request::new(futures::stream::iter([message]));
        let mut answer = client.streaming(request, path, Raw).await?.into_inner();
        match tokio::time::timeout(SILENCE, answer.message()).await {
            Ok(first) => first,
            Err(_silent) => Ok(None),
        }
    }
}
