/*
 * The fuzzed parts of the bridge: each reader of projects, and edits of the projects read.
 *
 * Shared by the fuzzers (fuzzer.cpp) and by the test that replays their findings
 * (tests/fuzz_mended_test.cpp).
 */
#ifndef KINESCORE_BRIDGE_FUZZ_READERS_HPP
#define KINESCORE_BRIDGE_FUZZ_READERS_HPP

#include <string>

namespace kinescore::bridge::fuzz {

/// Reads bytes as a project of one kind ("mlt", "kdenlive", "otio"), puts sound under some of its
/// clips, moves and removes it, and reads the result again. Refusals (Problem) are correct.
///
/// Throws std::logic_error if an edit has damaged the project; any other exception that is not a
/// Problem passes through.
void read_and_edit(const std::string &kind, const std::string &bytes);

} // namespace kinescore::bridge::fuzz

#endif
