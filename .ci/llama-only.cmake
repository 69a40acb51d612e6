# The tests need llama.cpp itself: without what its programs share, it is built in a third of the time.
set(LLAMA_BUILD_COMMON OFF)
