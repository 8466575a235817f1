//! How the interpreter is set up. Every line is a consensus parameter.

use wasmi::{CompilationMode, Config, EnforcedLimits, Engine, OperatorCost};
use wasmparser::WasmFeatures;

/// Nested calls within one call of a contract.
const RECURSION: usize = 1_000;
/// Fuel of a call within the guest, which clears the callee's locals.
const CALL_COST: u8 = 32;
/// Fuel of an operation on a whole memory or table, besides what each byte or element costs.
const BULK_COST: u8 = 16;
/// Height of the interpreter's stack.
const STACK_HEIGHT: usize = 256 * 1024;

/// An interpreter for one module. Each module has its own, since code that was compiled by an
/// engine lives as long as the engine.
pub(super) fn engine() -> Engine {
    let costs = OperatorCost {
        call: CALL_COST,
        call_indirect: CALL_COST,
        memory_grow: BULK_COST,
        memory_init: BULK_COST,
        memory_copy: BULK_COST,
        memory_fill: BULK_COST,
        table_grow: BULK_COST,
        table_init: BULK_COST,
        table_copy: BULK_COST,
        table_fill: BULK_COST,
        ..OperatorCost::default()
    };
    let mut config = Config::default();
    config
        .consume_fuel(true)
        .operator_cost(costs)
        .compilation_mode(CompilationMode::Eager)
        .floats(false)
        .allow_start_fn(false)
        .ignore_custom_sections(true)
        .wasm_multi_memory(false)
        .wasm_tail_call(false)
        .wasm_extended_const(false)
        .wasm_wide_arithmetic(false)
        .wasm_custom_page_sizes(false)
        .set_max_recursion_depth(RECURSION)
        .set_min_stack_height(1024)
        .set_max_stack_height(STACK_HEIGHT)
        .set_max_cached_stacks(1)
        .enforced_limits(EnforcedLimits::strict());
    Engine::new(&config)
}

/// What the interpreter accepts, and floating point numbers besides: to tell why it refused.
pub(super) fn features_with_floats() -> WasmFeatures {
    WasmFeatures::MUTABLE_GLOBAL
        | WasmFeatures::MULTI_VALUE
        | WasmFeatures::SATURATING_FLOAT_TO_INT
        | WasmFeatures::SIGN_EXTENSION
        | WasmFeatures::BULK_MEMORY
        | WasmFeatures::REFERENCE_TYPES
        | WasmFeatures::GC_TYPES
        | WasmFeatures::FLOATS
}
