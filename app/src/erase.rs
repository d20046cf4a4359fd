//! Types of views, which are as deep as pages.

use leptos::prelude::*;

/// For the ends of components.
pub trait EraseOnServer: IntoView {
    /// The view without its type on the server, where whole pages would take minutes to compile. In the browser it keeps
    /// its type: Leptos's erased views bring all the code of a way to wake up that nothing here takes.
    #[cfg(feature = "ssr")]
    fn erase_on_server(self) -> AnyView {
        const {
            assert!(
                <View<Self> as RenderHtml>::EXISTS,
                "an erased nothing leaves a mark that the browser would not expect"
            )
        };
        self.into_any()
    }

    #[cfg(not(feature = "ssr"))]
    fn erase_on_server(self) -> Self {
        self
    }
}

impl<V: IntoView> EraseOnServer for V {}
