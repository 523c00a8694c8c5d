//! What happens when there is no memory for another stack.

use std::io::ErrorKind;

use greenhub::{Builder, Greenlet, sleep, spawn};

use crate::support::{child_with_address_space, is_child, message, millis, panic_of, stderr};

#[test]
fn a_refusal_is_an_error_from_the_builder_and_a_sentence_from_spawn() {
    if !is_child() {
        let name = "memory::a_refusal_is_an_error_from_the_builder_and_a_sentence_from_spawn";
        let output = child_with_address_space(name, 1024 * 1024);
        assert!(output.status.success(), "{:?} {}", output.status, stderr(&output));
        return;
    }
    let mut held: Vec<Greenlet<()>> = Vec::new();
    let error = loop {
        let one = Builder::new().stack_size(1 << 20).spawn(|| sleep(millis(60_000)));
        match one {
            Ok(greenlet) => held.push(greenlet),
            Err(error) => break error,
        }
        assert!(held.len() < 10_000, "nothing is refused");
    };
    assert_eq!(error.kind(), ErrorKind::OutOfMemory);
    assert!(error.to_string().contains("vm.max_map_count"), "{error}");
    greenhub::Hub::current().set_stack_size(1 << 30);
    let told = message(&*panic_of(|| spawn(|| ())));
    assert!(told.contains("no memory for another greenlet's stack"), "{told}");
    // Those that are there go on, and once some have ended there is room again.
    held.iter().for_each(Greenlet::kill);
    held.clear();
    let again = Builder::new().stack_size(1 << 20).spawn(|| 7).unwrap();
    assert_eq!(again.join().unwrap(), 7);
}
