//! Reads the weights of CTranslate2's `model.bin`.

use std::collections::BTreeMap;

/// The only layout that is written today; older ones are laid out differently.
const VERSION: u32 = 6;

/// The variables of a model by name, aliases resolved, borrowing from the file's bytes.
#[derive(Debug)]
pub struct Weights<'a> {
    variables: BTreeMap<&'a str, Variable<'a>>,
}

#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Variable<'a> {
    pub shape: Vec<usize>,
    pub element: Element,
    /// Little-endian, rows first; exactly as many bytes as shape and element say.
    pub data: &'a [u8],
}

#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Element {
    F32,
    I8,
    I16,
    I32,
    F16,
}

#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
pub enum WeightsError {
    #[error("the weights end early")]
    Truncated,
    #[error("the weights are of layout {0}, not {VERSION}")]
    Version(u32),
    #[error("the weights describe a {0}, not a WhisperSpec")]
    Spec(String),
    #[error("a name in the weights is not text")]
    Name,
    #[error("{0} in the weights has an unknown type")]
    Element(String),
    #[error("{0} in the weights is larger or smaller than its shape")]
    Shape(String),
    #[error("the weights have no {0}")]
    Missing(String),
}

impl<'a> Weights<'a> {
    pub fn read(bytes: &'a [u8]) -> Result<Weights<'a>, WeightsError> {
        let mut bytes = Bytes(bytes);
        let version = bytes.u32()?;
        if version != VERSION {
            return Err(WeightsError::Version(version));
        }
        let spec = bytes.text()?;
        if spec != "WhisperSpec" {
            return Err(WeightsError::Spec(spec.to_owned()));
        }
        let _revision = bytes.u32()?;
        let mut variables = BTreeMap::new();
        for _ in 0..bytes.u32()? {
            let name = bytes.text()?;
            variables.insert(name, bytes.variable(name)?);
        }
        for _ in 0..bytes.u32()? {
            let alias = bytes.text()?;
            let name = bytes.text()?;
            let variable =
                variables.get(name).cloned().ok_or_else(|| WeightsError::Missing(name.to_owned()))?;
            variables.insert(alias, variable);
        }
        Ok(Weights { variables })
    }

    pub fn get(&self, name: &str) -> Result<&Variable<'a>, WeightsError> {
        self.variables.get(name).ok_or_else(|| WeightsError::Missing(name.to_owned()))
    }

    pub fn has(&self, name: &str) -> bool {
        self.variables.contains_key(name)
    }
}

impl Element {
    pub fn size(self) -> usize {
        match self {
            Element::I8 => 1,
            Element::I16 | Element::F16 => 2,
            Element::F32 | Element::I32 => 4,
        }
    }
}

/// What is left to read.
struct Bytes<'a>(&'a [u8]);

impl<'a> Bytes<'a> {
    fn take(&mut self, count: usize) -> Result<&'a [u8], WeightsError> {
        let (taken, rest) = self.0.split_at_checked(count).ok_or(WeightsError::Truncated)?;
        self.0 = rest;
        Ok(taken)
    }

    fn array<const N: usize>(&mut self) -> Result<[u8; N], WeightsError> {
        let (taken, rest) = self.0.split_first_chunk().ok_or(WeightsError::Truncated)?;
        self.0 = rest;
        Ok(*taken)
    }

    fn u32(&mut self) -> Result<u32, WeightsError> {
        self.array().map(u32::from_le_bytes)
    }

    /// The length in front counts the NUL at the end.
    fn text(&mut self) -> Result<&'a str, WeightsError> {
        let length = u16::from_le_bytes(self.array()?);
        let text = self.take(usize::from(length))?.strip_suffix(&[0]).ok_or(WeightsError::Name)?;
        std::str::from_utf8(text).map_err(|_| WeightsError::Name)
    }

    fn variable(&mut self, name: &str) -> Result<Variable<'a>, WeightsError> {
        let [rank] = self.array()?;
        let mut shape = Vec::new();
        for _ in 0..rank {
            shape.push(self.u32()? as usize);
        }
        let element = match self.array()? {
            [0] => Element::F32,
            [1] => Element::I8,
            [2] => Element::I16,
            [3] => Element::I32,
            [4] => Element::F16,
            _ => return Err(WeightsError::Element(name.to_owned())),
        };
        let length = self.u32()? as usize;
        let expected = shape.iter().try_fold(element.size(), |size, dimension| size.checked_mul(*dimension));
        if expected != Some(length) {
            return Err(WeightsError::Shape(name.to_owned()));
        }
        Ok(Variable { shape, element, data: self.take(length)? })
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn text(text: &str) -> Vec<u8> {
        let mut bytes = (text.len() as u16 + 1).to_le_bytes().to_vec();
        bytes.extend(text.as_bytes());
        bytes.push(0);
        bytes
    }

    fn file() -> Vec<u8> {
        [
            &6u32.to_le_bytes()[..],
            &text("WhisperSpec"),
            &3u32.to_le_bytes(),
            &1u32.to_le_bytes(),
            &text("a/weight"),
            &[2],
            &2u32.to_le_bytes(),
            &1u32.to_le_bytes(),
            &[4],
            &4u32.to_le_bytes(),
            &[1, 2, 3, 4],
            &1u32.to_le_bytes(),
            &text("b/weight"),
            &text("a/weight"),
        ]
        .concat()
    }

    #[test]
    fn variables_and_aliases_are_found_by_name() {
        let file = file();
        let weights = Weights::read(&file).unwrap();
        let expect = Variable { shape: vec![2, 1], element: Element::F16, data: &[1, 2, 3, 4] };
        assert_eq!(weights.get("a/weight"), Ok(&expect));
        assert_eq!(weights.get("b/weight"), Ok(&expect));
        assert_eq!(weights.get("c"), Err(WeightsError::Missing("c".to_owned())));
    }

    #[test]
    fn weights_cut_anywhere_are_an_error() {
        let file = file();
        for length in 0..file.len() {
            assert_eq!(
                Weights::read(&file[..length]).unwrap_err(),
                WeightsError::Truncated,
                "{length} bytes"
            );
        }
    }

    proptest::proptest! {
        #[test]
        fn changed_bytes_never_panic(at in 0usize..80, value: u8) {
            let mut file = file();
            let at = at % file.len();
            file[at] = value;
            let _ = Weights::read(&file);
        }
    }
}
