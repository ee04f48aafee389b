// A fuzzer of one reader of projects: KINESCORE_FUZZ_KIND is the kind (readers.hpp).

#include "readers.hpp"

#include <cstddef>
#include <cstdint>

extern "C" int LLVMFuzzerTestOneInput(const std::uint8_t *data, std::size_t size);

extern "C" int LLVMFuzzerTestOneInput(const std::uint8_t *data, std::size_t size) {
    kinescore::bridge::fuzz::read_and_edit(KINESCORE_FUZZ_KIND,
                                           std::string(reinterpret_cast<const char *>(data), size));
    return 0;
}
