//! `monkey::thread`: bodies compiled twice, on std and on greenhub, and what greenhub adds.

mod green;
mod support;

#[path = "."]
mod on_std {
    use std as world;
    use std::thread_local as locals;

    #[path = "world/joining.rs"]
    mod joining;
    #[path = "world/local.rs"]
    mod local;
    #[path = "world/parking.rs"]
    mod parking;
    #[path = "world/scoped.rs"]
    mod scoped;
}

#[path = "."]
#[allow(clippy::duplicate_mod)]
mod on_greenhub {
    use greenhub::monkey as world;
    use greenhub::monkey::thread_local as locals;

    #[path = "world/joining.rs"]
    mod joining;
    #[path = "world/local.rs"]
    mod local;
    #[path = "world/parking.rs"]
    mod parking;
    #[path = "world/scoped.rs"]
    mod scoped;
}
