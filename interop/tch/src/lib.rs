#![doc = include_str!("../../../docs/tch.md")]
