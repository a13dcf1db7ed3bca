//! Codecs of chunks that make no more bytes than the array's metadata allow, whatever a chunk claims.

use std::any::Any;
use std::borrow::Cow;
use std::cell::Cell;
use std::fs::File;
use std::io::{self, Cursor, Read};
use std::path::Path;
use std::sync::{Arc, Once};

use flate2::bufread::MultiGzDecoder;
use zarrs::array::codec::api::{
    Codec, CodecError, CodecMetadataOptions, CodecOptions, CodecRuntimePluginV2, CodecRuntimePluginV3, CodecTraits,
    CodecTraitsV2, CodecTraitsV3, PartialDecoderCapability, PartialEncoderCapability, RecommendedConcurrency,
    register_codec_v2, register_codec_v3,
};
use zarrs::array::codec::{BloscCodec, GzipCodec, ZstdCodec};
use zarrs::array::{ArrayBytesRaw, BytesRepresentation, BytesToBytesCodecTraits};
use zarrs::metadata::Configuration;
use zarrs::plugin::{ExtensionName, ZarrVersion};

use super::reader::CHUNK;

thread_local! {
    static OPENING: Cell<bool> = const { Cell::new(false) };
}

/// Opens an array whose codecs are limited. Those of arrays that others open are left alone.
pub(super) fn opened<T>(open: impl FnOnce() -> T) -> T {
    /// Also if a library panics.
    struct Opening;
    impl Drop for Opening {
        fn drop(&mut self) {
            OPENING.set(false);
        }
    }
    static REGISTER: Once = Once::new();
    REGISTER.call_once(|| {
        register::<GzipCodec>("gzip", Packing::Gzip);
        register::<ZstdCodec>("zstd", Packing::Zstd);
        register::<BloscCodec>("blosc", Packing::Blosc);
    });
    OPENING.set(true);
    let _opening = Opening;
    open()
}

fn register<C: CodecTraitsV2 + CodecTraitsV3>(id: &'static str, packing: Packing) {
    let is_meant = move |name: &str| OPENING.get() && name.rsplit('.').next() == Some(id);
    register_codec_v3(CodecRuntimePluginV3::new(is_meant, move |metadata| {
        <C as CodecTraitsV3>::create(metadata).map(|codec| limited(codec, packing))
    }));
    register_codec_v2(CodecRuntimePluginV2::new(is_meant, move |metadata| {
        <C as CodecTraitsV2>::create(metadata).map(|codec| limited(codec, packing))
    }));
}

fn limited(codec: Codec, packing: Packing) -> Codec {
    match codec {
        Codec::BytesToBytes(codec) => Codec::BytesToBytes(Arc::new(Limited { codec, packing })),
        other => other,
    }
}

#[derive(Debug, Clone, Copy, PartialEq, Eq)]
enum Packing {
    Gzip,
    Zstd,
    Blosc,
}

#[derive(Debug)]
struct Limited {
    codec: Arc<dyn BytesToBytesCodecTraits>,
    packing: Packing,
}

impl ExtensionName for Limited {
    fn name(&self, version: ZarrVersion) -> Option<Cow<'static, str>> {
        self.codec.name(version)
    }
}

impl CodecTraits for Limited {
    fn as_any(&self) -> &dyn Any {
        self
    }

    fn configuration(&self, version: ZarrVersion, options: &CodecMetadataOptions) -> Option<Configuration> {
        self.codec.configuration(version, options)
    }

    fn partial_decoder_capability(&self) -> PartialDecoderCapability {
        PartialDecoderCapability {
            partial_read: false,
            partial_decode: false,
        }
    }

    fn partial_encoder_capability(&self) -> PartialEncoderCapability {
        self.codec.partial_encoder_capability()
    }
}

impl BytesToBytesCodecTraits for Limited {
    fn into_dyn(self: Arc<Self>) -> Arc<dyn BytesToBytesCodecTraits> {
        self
    }

    fn recommended_concurrency(&self, decoded: &BytesRepresentation) -> Result<RecommendedConcurrency, CodecError> {
        self.codec.recommended_concurrency(decoded)
    }

    fn encoded_representation(&self, decoded: &BytesRepresentation) -> BytesRepresentation {
        self.codec.encoded_representation(decoded)
    }

    fn encode<'a>(&self, decoded: ArrayBytesRaw<'a>, options: &CodecOptions) -> Result<ArrayBytesRaw<'a>, CodecError> {
        self.codec.encode(decoded, options)
    }

    fn decode<'a>(
        &self,
        encoded: ArrayBytesRaw<'a>,
        decoded: &BytesRepresentation,
        options: &CodecOptions,
    ) -> Result<ArrayBytesRaw<'a>, CodecError> {
        let limit = decoded.size().unwrap_or(2 * CHUNK);
        match self.packing {
            Packing::Gzip => unpacked(MultiGzDecoder::new(Cursor::new(encoded)), limit),
            Packing::Zstd => unpacked(zstd::Decoder::new(Cursor::new(encoded))?, limit),
            Packing::Blosc => {
                if claimed(&encoded) > limit {
                    return Err(too_much(limit));
                }
                self.codec.decode(encoded, decoded, options)
            }
        }
    }
}

/// How many bytes a chunk holds by the header of blosc, which has the number in its second four bytes.
fn claimed(start: &[u8]) -> u64 {
    let number = start.get(4..8).and_then(|bytes| bytes.try_into().ok());
    number.map_or(0, |number| u32::from_le_bytes(number).into())
}

/// The same of a file, if there is one.
pub(super) fn claimed_by_blosc(path: &Path) -> io::Result<u64> {
    let mut start = Vec::new();
    match File::open(path) {
        Ok(file) => file.take(8).read_to_end(&mut start)?,
        Err(_) => return Ok(0),
    };
    Ok(claimed(&start))
}

/// All that a decoder makes, if it is not more than the limit.
fn unpacked<'a>(decoder: impl Read, limit: u64) -> Result<ArrayBytesRaw<'a>, CodecError> {
    let mut bytes = Vec::new();
    let room = usize::try_from(limit).ok().and_then(|limit| limit.checked_add(64));
    if room.is_none_or(|room| bytes.try_reserve_exact(room).is_err()) {
        return Err(CodecError::Other(format!("there is no memory for its {limit} bytes")));
    }
    decoder.take(limit.saturating_add(1)).read_to_end(&mut bytes)?;
    if bytes.len() as u64 > limit {
        return Err(too_much(limit));
    }
    Ok(bytes.into())
}

fn too_much(limit: u64) -> CodecError {
    CodecError::Other(format!("a chunk claims to hold more than its {limit} bytes"))
}
