use leptos::prelude::*;

#[component]
pub fn StartPage() -> impl IntoView {
    view! { <h1>"Subtitles while you watch"</h1> }
}
