/*
 * What is fuzzed of the bridge: each reader of projects, and edits of what it has read.
 *
 * Shared by the fuzzers (fuzzer.cpp) and by the test that replays what they have found
 * (tests/fuzz_mended_test.cpp).
 */
#ifndef KINESCORE_BRIDGE_FUZZ_READERS_HPP
#define KINESCORE_BRIDGE_FUZZ_READERS_HPP

#include <string>

namespace kinescore::bridge::fuzz {

/// Reads bytes as a project of one kind ("mlt", "kdenlive", "otio"), puts sound under some of its
/// clips, moves it, takes it off, and reads what it has written. Refusals (Problem) are right.
///
/// Throws std::logic_error where an edit has damaged the project; lets everything through that is
/// not a Problem.
void read_and_edit(const std::string &kind, const std::string &bytes);

} // namespace kinescore::bridge::fuzz

#endif
