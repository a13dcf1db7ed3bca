//! The metadata of arrays that are written.

use serde_json::{Map, Value, json};
use zarrs::array::ArrayMetadata;

use super::writer::failed;
use crate::elements::ElementType;
use crate::error::Fault;

/// The level of zstd.
const LEVEL: i32 = 3;

/// What an array is to be. Its chunks are compressed by zstd.
pub(super) struct Layout<'a> {
    pub(super) shape: &'a [usize],
    pub(super) chunk: &'a [usize],
    pub(super) element_type: ElementType,
    pub(super) attributes: Map<String, Value>,
    /// The names of the axes, or none.
    pub(super) names: Vec<String>,
}

impl Layout<'_> {
    pub(super) fn version_3(self) -> Result<ArrayMetadata, Fault> {
        let data_type = match self.element_type {
            ElementType::Bool => "bool",
            ElementType::U8 => "uint8",
            ElementType::U16 => "uint16",
            ElementType::U32 => "uint32",
            ElementType::U64 => "uint64",
            ElementType::I8 => "int8",
            ElementType::I16 => "int16",
            ElementType::I32 => "int32",
            ElementType::I64 => "int64",
            ElementType::F16 => "float16",
            ElementType::F32 => "float32",
            ElementType::F64 => "float64",
        };
        let mut metadata = json!({
            "zarr_format": 3,
            "node_type": "array",
            "shape": self.shape,
            "data_type": data_type,
            "chunk_grid": {"name": "regular", "configuration": {"chunk_shape": self.chunk}},
            "chunk_key_encoding": {"name": "default", "configuration": {"separator": "/"}},
            "fill_value": self.zero(),
            "codecs": [
                {"name": "bytes", "configuration": {"endian": "little"}},
                {"name": "zstd", "configuration": {"level": LEVEL, "checksum": false}},
            ],
            "attributes": self.attributes,
        });
        if !self.names.is_empty() {
            metadata["dimension_names"] = self.names.into();
        }
        Ok(ArrayMetadata::V3(serde_json::from_value(metadata).map_err(failed)?))
    }

    pub(super) fn version_2(self) -> Result<ArrayMetadata, Fault> {
        let data_type = match self.element_type {
            ElementType::Bool => "|b1",
            ElementType::U8 => "|u1",
            ElementType::U16 => "<u2",
            ElementType::U32 => "<u4",
            ElementType::U64 => "<u8",
            ElementType::I8 => "|i1",
            ElementType::I16 => "<i2",
            ElementType::I32 => "<i4",
            ElementType::I64 => "<i8",
            ElementType::F16 => "<f2",
            ElementType::F32 => "<f4",
            ElementType::F64 => "<f8",
        };
        let metadata = json!({
            "zarr_format": 2,
            "node_type": "array",
            "shape": self.shape,
            "chunks": self.chunk,
            "dtype": data_type,
            "compressor": {"id": "zstd", "level": LEVEL},
            "fill_value": self.zero(),
            "order": "C",
            "filters": null,
            "dimension_separator": "/",
            "attributes": self.attributes,
        });
        Ok(ArrayMetadata::V2(serde_json::from_value(metadata).map_err(failed)?))
    }

    /// What a chunk that is not there is filled with.
    fn zero(&self) -> Value {
        match self.element_type {
            ElementType::Bool => false.into(),
            ElementType::F16 | ElementType::F32 | ElementType::F64 => 0.0.into(),
            _ => 0.into(),
        }
    }
}
