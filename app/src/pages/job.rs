use leptos::prelude::*;

#[component]
pub fn JobPage() -> impl IntoView {
    view! { <h1>"Job"</h1> }
}
