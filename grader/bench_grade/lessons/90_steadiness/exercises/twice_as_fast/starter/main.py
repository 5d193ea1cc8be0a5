def count_odd(steps):
    odd = 0
    for _ in range(2):
        odd = 0
        for number in range(steps):
            odd += number & 1
    return odd
