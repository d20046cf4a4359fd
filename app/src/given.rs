//! What an island is given by the server.

use serde::{Deserialize, Deserializer, Serialize, Serializer};

/// Written by the server into the page, and read by the browser. Leptos has islands write out their properties wherever
/// they are made, so the browser would hold all the code for it, and use it for nothing.
#[derive(Debug, Clone)]
pub struct Given<T>(pub T);

impl<T: Serialize> Serialize for Given<T> {
    fn serialize<S: Serializer>(&self, serializer: S) -> Result<S::Ok, S::Error> {
        if cfg!(feature = "ssr") { self.0.serialize(serializer) } else { serializer.serialize_unit() }
    }
}

impl<'de, T: Deserialize<'de>> Deserialize<'de> for Given<T> {
    fn deserialize<D: Deserializer<'de>>(deserializer: D) -> Result<Given<T>, D::Error> {
        T::deserialize(deserializer).map(Given)
    }
}
