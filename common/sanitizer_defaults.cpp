// Part of sanitizer builds only: the options that the sanitizers' runtimes ask the program for.
// Every report goes to a file of its own, so that one in a child process whose output and exit
// status nobody reads still fails the run.

// NOLINTBEGIN(bugprone-reserved-identifier): the names are the sanitizers'.
extern "C" {

const char* __asan_default_options() {
  return "detect_leaks=1:halt_on_error=1:detect_stack_use_after_return=1:"
         "log_path=" POSTLUDE_SANITIZER_REPORTS;
}

const char* __ubsan_default_options() {
  return "print_stacktrace=1:log_path=" POSTLUDE_SANITIZER_REPORTS;
}

const char* __tsan_default_options() {
  return "halt_on_error=1:second_deadlock_stack=1:log_path=" POSTLUDE_SANITIZER_REPORTS;
}

}  // extern "C"
// NOLINTEND(bugprone-reserved-identifier)
