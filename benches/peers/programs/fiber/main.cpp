// The peer of the program `peers` that is written in C++, with Boost.Fiber.
//
// The first argument names the kind of work, and numbers follow, the first of which is that of the
// operations. It prints its figures in one line: nanoseconds for an operation, unless told
// otherwise at its function. What is timed alone is done before, a tenth of it, to warm up.
#include <boost/fiber/all.hpp>

#include <algorithm>
#include <chrono>
#include <cstdint>
#include <cstdlib>
#include <ctime>
#include <fstream>
#include <iostream>
#include <map>
#include <stdexcept>
#include <string>
#include <vector>

namespace fibers = boost::fibers;
namespace this_fiber = boost::this_fiber;
using Clock = std::chrono::steady_clock;
using Number = std::uint64_t;
using Figures = std::vector<double>;
using std::chrono::milliseconds;
using std::chrono::minutes;

namespace {

constexpr std::size_t small_stack = 16 * 1024;

void check(bool right) {
    if (!right) throw std::runtime_error("the result is wrong");
}

double nanoseconds(Clock::duration spent) {
    return std::chrono::duration<double, std::nano>(spent).count();
}

void join(std::vector<fibers::fiber>& all) {
    for (auto& fiber : all) fiber.join();
}

double yield(Number count, Number among) {
    Number yields = 0;
    std::vector<fibers::fiber> all;
    for (Number i = 0; i < among; ++i) {
        all.emplace_back([&] {
            for (Number i = 0; i < count / among; ++i) {
                ++yields;
                this_fiber::yield();
            }
        });
    }
    auto start = Clock::now();
    join(all);
    auto spent = Clock::now() - start;
    check(yields == count);
    return nanoseconds(spent);
}

double spawn(Number count, Number at_once) {
    static fibers::pooled_fixedsize_stack stacks;
    Number sum = 0;
    std::vector<fibers::fiber> all;
    all.reserve(at_once);
    auto start = Clock::now();
    for (Number batch = 0; batch < count / at_once; ++batch) {
        for (Number i = 0; i < at_once; ++i) {
            Number n = batch * at_once + i;
            all.emplace_back(fibers::launch::post, std::allocator_arg, stacks, [&sum, n] { sum += n; });
        }
        join(all);
        all.clear();
    }
    auto spent = Clock::now() - start;
    check(sum == count * (count - 1) / 2);
    return nanoseconds(spent);
}

double ping_pong(Number count, Number) {
    fibers::unbuffered_channel<Number> there, back;
    fibers::fiber partner([&] {
        for (Number number : there) back.push(number + 1);
    });
    Number number = 0;
    auto start = Clock::now();
    for (Number i = 0; i < count; ++i) {
        there.push(number);
        back.pop(number);
    }
    auto spent = Clock::now() - start;
    there.close();
    partner.join();
    check(number == count);
    return nanoseconds(spent);
}

double stream(Number count, Number room) {
    fibers::buffered_channel<Number> items(room);
    auto start = Clock::now();
    fibers::fiber producer([&] {
        for (Number item = 0; item < count; ++item) items.push(item);
        items.close();
    });
    Number next = 0;
    for (Number item : items) check(item == next++);
    auto spent = Clock::now() - start;
    producer.join();
    check(next == count);
    return nanoseconds(spent);
}

double lock(Number count, Number holders) {
    fibers::mutex mutex;
    Number held = 0;
    std::vector<fibers::fiber> all;
    for (Number i = 0; i < holders; ++i) {
        all.emplace_back([&] {
            for (Number i = 0; i < count / holders; ++i) {
                std::unique_lock<fibers::mutex> guard(mutex);
                Number before = held;
                this_fiber::yield();
                held = before + 1;
            }
        });
    }
    auto start = Clock::now();
    join(all);
    auto spent = Clock::now() - start;
    check(held == count);
    return nanoseconds(spent);
}

double limit_answer(Number count, Number pending) {
    fibers::mutex mutex;
    fibers::condition_variable done;
    bool is_done = false;
    std::vector<fibers::fiber> others;
    for (Number n = 0; n < pending; ++n) {
        others.emplace_back(std::allocator_arg, fibers::fixedsize_stack(small_stack), [&, n] {
            std::unique_lock<fibers::mutex> guard(mutex);
            auto far = std::chrono::seconds(3600 + n % 100);
            check(done.wait_for(guard, far, [&] { return is_done; }));
        });
    }
    this_fiber::yield();
    fibers::buffered_channel<Number> questions(2), answers(2);
    fibers::fiber partner([&] {
        for (Number question : questions) answers.push(question + 1);
    });
    Number number = 0;
    auto start = Clock::now();
    for (Number i = 0; i < count; ++i) {
        questions.push(number);
        auto status = answers.pop_wait_for(number, minutes(1));
        check(status == fibers::channel_op_status::success);
    }
    auto spent = Clock::now() - start;
    questions.close();
    partner.join();
    check(number == count);
    is_done = true;
    done.notify_all();
    join(others);
    return nanoseconds(spent);
}

// A size in /proc/self/status, in bytes.
double status(const std::string& field) {
    std::ifstream file("/proc/self/status");
    for (std::string line; std::getline(file, line);) {
        if (line.rfind(field, 0) == 0) return std::stod(line.substr(field.size())) * 1024;
    }
    throw std::runtime_error("no " + field);
}

// The processor time of this process, in milliseconds.
double processor() {
    return static_cast<double>(std::clock()) * 1000 / CLOCKS_PER_SEC;
}

// Bytes each, and nanoseconds each to spawn, to wake and to end.
Figures parked(Number count, Number wakes) {
    fibers::mutex mutex;
    fibers::condition_variable gate, full;
    Number here = 0, open = 0;
    double before = status("VmRSS:"), resident = 0;
    std::vector<fibers::fiber> all;
    all.reserve(count);
    std::vector<double> laps;
    auto start = Clock::now();
    for (Number i = 0; i < count; ++i) {
        all.emplace_back(std::allocator_arg, fibers::fixedsize_stack(small_stack), [&] {
            for (Number turn = 1; turn <= wakes + 1; ++turn) {
                std::unique_lock<fibers::mutex> guard(mutex);
                if (++here == turn * count) full.notify_one();
                gate.wait(guard, [&] { return open >= turn; });
            }
        });
    }
    for (Number turn = 1; turn <= wakes + 1; ++turn) {
        std::unique_lock<fibers::mutex> guard(mutex);
        full.wait(guard, [&] { return here >= turn * count; });
        laps.push_back(nanoseconds(Clock::now() - start));
        if (turn == 1) resident = status("VmRSS:") - before;
        start = Clock::now();
        open = turn;
        guard.unlock();
        gate.notify_all();
    }
    join(all);
    double end = nanoseconds(Clock::now() - start), wake = 0;
    for (std::size_t lap = 1; lap < laps.size(); ++lap) wake += laps[lap];
    auto each = static_cast<double>(count);
    return {resident / each, laps[0] / each, wake / static_cast<double>(wakes) / each, end / each};
}

milliseconds sleep(Number n) {
    return milliseconds(1 + n * 7919 % 1000);
}

// Milliseconds of wall time and of the processor, and MiB of memory.
Figures sleepers(Number count, Number) {
    double before = status("VmRSS:"), used = processor();
    std::vector<fibers::fiber> all;
    auto start = Clock::now();
    for (Number n = 0; n < count; ++n) {
        all.emplace_back(std::allocator_arg, fibers::fixedsize_stack(small_stack),
                         [n] { this_fiber::sleep_for(sleep(n)); });
    }
    join(all);
    double wall = nanoseconds(Clock::now() - start) / 1e6;
    return {wall, processor() - used, (status("VmHWM:") - before) / (1 << 20)};
}

// How late the median tick is, and the 99th percentile, in microseconds. The others never end: they
// are left with the process.
Figures ticker(Number ticks, Number crowd) {
    for (Number n = 0; n < std::max<Number>(crowd, 1); ++n) {
        fibers::fiber(std::allocator_arg, fibers::fixedsize_stack(small_stack), [n, crowd] {
            for (;;) {
                if (crowd == 0) {
                    this_fiber::yield();
                } else {
                    this_fiber::sleep_for(sleep(n));
                }
            }
        }).detach();
    }
    this_fiber::sleep_for(std::chrono::seconds(3));
    std::vector<double> late;
    auto start = Clock::now();
    for (Number i = 1; i <= ticks; ++i) {
        auto next = start + milliseconds(i);
        // Not if it is over: that would let the others run.
        if (next > Clock::now()) this_fiber::sleep_until(next);
        late.push_back(nanoseconds(Clock::now() - next) / 1e3);
    }
    std::sort(late.begin(), late.end());
    return {late[ticks / 2], late[ticks * 99 / 100]};
}

}  // namespace

int main(int argc, char** argv) {
    std::string work = argv[1];
    Number count = std::stoull(argv[2]), other = argc > 3 ? std::stoull(argv[3]) : 0;
    const std::map<std::string, double (*)(Number, Number)> timed{
        {"yield", yield},   {"spawn", spawn}, {"ping_pong", ping_pong},
        {"stream", stream}, {"lock", lock},   {"limit_answer", limit_answer},
    };
    const std::map<std::string, Figures (*)(Number, Number)> told{
        {"parked", parked}, {"sleepers", sleepers}, {"ticker", ticker},
    };
    if (auto run = timed.find(work); run != timed.end()) {
        Number warm = count / 10;
        run->second(work == "spawn" ? std::max(warm, other) : warm, other);
        std::cout << run->second(count, other) / static_cast<double>(count) << std::endl;
    } else {
        for (double figure : told.at(work)(count, other)) std::cout << figure << ' ';
        std::cout << std::endl;
    }
    // Without the destructors: fibers that never end would be waited for.
    std::_Exit(0);
}
