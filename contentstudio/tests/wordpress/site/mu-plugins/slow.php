<?php
// A test makes this site slow: so many seconds pass before a new post is inserted.
add_filter('wp_insert_post_data', function ($data, $given) {
    if (empty($given['ID']) && $data['post_type'] === 'post') {
        usleep((int) (1e6 * (float) get_option('test_slow_seconds', 0)));
    }
    return $data;
}, 10, 2);
