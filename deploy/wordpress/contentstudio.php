<?php
/**
 * Plugin Name: contentstudio
 * Description: Prints the structured data (JSON-LD) of articles that contentstudio publishes, and keeps search engines from those that it asks not to be listed.
 * Version: 1
 * Requires PHP: 7.4
 * Requires at least: 5.7
 * License: Apache-2.0
 *
 * Copyright the authors of contentstudio. Licensed under the Apache License, Version 2.0; you may obtain a copy at
 * http://www.apache.org/licenses/LICENSE-2.0. It comes without warranties or conditions of any kind.
 *
 * A must-use plugin: copy this one file into wp-content/mu-plugins. It has no settings, keeps no tables, asks no other
 * server, and adds no script that runs. Without it articles are published all the same, but without structured data:
 * WordPress takes scripts out of what an author writes.
 */

namespace ContentStudio;

if (!defined('ABSPATH')) {
    exit;
}

const VERSION = '1';
const STRUCTURED_DATA = 'contentstudio_structured_data'; // a list of objects of schema.org, as JSON
const NOINDEX = 'contentstudio_noindex'; // '1', or nothing
const MAX_BYTES = 200000;
const ARTICLES = ['Article', 'BlogPosting', 'NewsArticle', 'TechArticle'];

add_action('init', __NAMESPACE__ . '\register_fields');
add_action('wp_head', __NAMESPACE__ . '\print_structured_data');
add_filter('wp_robots', __NAMESPACE__ . '\robots');
add_filter('wp_sitemaps_posts_query_args', __NAMESPACE__ . '\sitemap_query', 10, 2);
add_filter('rest_index', __NAMESPACE__ . '\rest_index');

/** The two fields of a post. REST lets those write them who may edit that post. */
function register_fields()
{
    $sanitizers = [
        STRUCTURED_DATA => __NAMESPACE__ . '\sanitize_structured_data',
        NOINDEX => __NAMESPACE__ . '\sanitize_noindex',
    ];
    foreach ($sanitizers as $key => $sanitizer) {
        register_post_meta('post', $key, [
            'type' => 'string',
            'single' => true,
            'show_in_rest' => true,
            'sanitize_callback' => $sanitizer,
            'auth_callback' => function ($allowed, $meta_key, $post_id, $user_id) {
                return user_can($user_id, 'edit_post', $post_id);
            },
        ]);
    }
}

/** The text as it came, where it is JSON of the kinds that we print; nothing otherwise. */
function sanitize_structured_data($text)
{
    return objects_of($text) ? $text : '';
}

function sanitize_noindex($text)
{
    return (string) $text === '1' ? '1' : '';
}

/** The objects of schema.org that a text holds. One of another kind spoils it all. */
function objects_of($text)
{
    if (!is_string($text) || strlen($text) > MAX_BYTES) {
        return [];
    }
    $objects = json_decode($text, true, 32);
    if (!is_array($objects)) {
        return [];
    }
    $objects = isset($objects['@type']) ? [$objects] : array_values($objects);
    foreach ($objects as $object) {
        $type = is_array($object) && isset($object['@type']) ? $object['@type'] : null;
        $context = is_array($object) && isset($object['@context']) ? $object['@context'] : null;
        if ($context !== 'https://schema.org' || !in_array($type, array_merge(ARTICLES, ['FAQPage']), true)) {
            return [];
        }
    }
    return $objects;
}

/** In the head of a published post that readers see as a page of its own. */
function print_structured_data()
{
    $post = is_singular('post') ? get_queried_object() : null;
    if (!$post instanceof \WP_Post || $post->post_status !== 'publish' || post_password_required($post)) {
        return;
    }
    foreach (objects_of(get_post_meta($post->ID, STRUCTURED_DATA, true)) as $object) {
        $told = $object['@type'] === 'FAQPage' ? questions_of($object, $post) : article_of($object, $post);
        // No “<” and no “&” is left, so nothing in a title or an answer can end the element.
        $json = wp_json_encode($told, JSON_HEX_TAG | JSON_HEX_AMP | JSON_UNESCAPED_SLASHES | JSON_UNESCAPED_UNICODE);
        if ($told && $json) {
            echo '<script type="application/ld+json">' . $json . "</script>\n";
        }
    }
}

/** The article with what the post itself says now, which a person may have changed. Null where an SEO plugin tells it. */
function article_of(array $object, \WP_Post $post)
{
    if (!apply_filters('contentstudio_print_article', !seo_plugin_prints_article())) {
        return null;
    }
    $published = get_post_time('Y-m-d\TH:i:s\Z', true, $post);
    $images = images_of($post);
    $of_the_post = [
        'headline' => plain($post->post_title),
        'description' => plain($post->post_excerpt),
        'datePublished' => $published,
        'dateModified' => max($published, get_post_modified_time('Y-m-d\TH:i:s\Z', true, $post)),
        'mainEntityOfPage' => ['@type' => 'WebPage', '@id' => get_permalink($post)],
    ];
    return array_merge($object, $of_the_post, $images ? ['image' => $images] : []);
}

/** Whether an SEO plugin is at work that prints an article of schema.org by itself: two would contradict each other. */
function seo_plugin_prints_article()
{
    return defined('WPSEO_VERSION') // Yoast SEO
        || defined('RANK_MATH_VERSION')
        || defined('SEOPRESS_PRO_VERSION') // the free one prints none
        || defined('AIOSEO_VERSION');
}

/** The addresses of the featured picture and of those in the text. */
function images_of(\WP_Post $post)
{
    preg_match_all('/\bwp-image-(\d+)\b/', $post->post_content, $found);
    $ids = array_unique(array_map('intval', array_merge([get_post_thumbnail_id($post)], $found[1])));
    $addresses = array_map(function ($id) {
        return $id ? wp_get_attachment_image_url($id, 'full') : false;
    }, $ids);
    return array_values(array_filter($addresses));
}

/** The questions that readers still find in the text with these answers. Null where there is none. */
function questions_of(array $object, \WP_Post $post)
{
    // Without comments, such as those of blocks, and without the marks that lead to sources.
    $text = words(plain(preg_replace('#<!--.*?-->|<sup\b.*?</sup>#s', '', $post->post_content)));
    $questions = isset($object['mainEntity']) && is_array($object['mainEntity']) ? $object['mainEntity'] : [];
    $questions = array_filter($questions, function ($question) use ($text) {
        $name = isset($question['name']) ? $question['name'] : '';
        $answer = isset($question['acceptedAnswer']['text']) ? $question['acceptedAnswer']['text'] : '';
        return is_string($name) && is_string($answer)
            && strpos($text, words($name)) !== false && strpos($text, words($answer)) !== false;
    });
    return $questions ? array_merge($object, ['mainEntity' => array_values($questions)]) : null;
}

/** The words of a plain text between single spaces, so that marks of quotation make no difference. */
function words($text)
{
    return ' ' . trim(preg_replace('/[^\p{L}\p{N}]+/u', ' ', $text)) . ' ';
}

/** The text without markup, as a person reads it. */
function plain($markup)
{
    return trim(html_entity_decode(wp_strip_all_tags((string) $markup), ENT_QUOTES | ENT_HTML5, 'UTF-8'));
}

/** Where an SEO plugin prints the robots itself, it does not ask here: it has a field of its own. */
function robots(array $robots)
{
    $id = is_singular('post') ? get_queried_object_id() : 0;
    if ($id && get_post_meta($id, NOINDEX, true) === '1') {
        $robots['noindex'] = true;
        $robots['follow'] = true;
    }
    return $robots;
}

/** WordPress's own sitemap leaves out what search engines are asked not to list. */
function sitemap_query($query, $post_type)
{
    if ($post_type === 'post') {
        $listed = [
            'relation' => 'OR',
            ['key' => NOINDEX, 'compare' => 'NOT EXISTS'],
            ['key' => NOINDEX, 'value' => '1', 'compare' => '!='],
        ];
        // Another plugin may ask for something, too.
        $query['meta_query'] = empty($query['meta_query']) ? $listed : [$query['meta_query'], $listed];
    }
    return $query;
}

/** For `contentstudio site check`: guests are not told. */
function rest_index($response)
{
    if ($response instanceof \WP_REST_Response && current_user_can('edit_posts')) {
        $data = $response->get_data();
        $data['contentstudio'] = ['version' => VERSION, 'max_upload_bytes' => wp_max_upload_size()];
        $response->set_data($data);
    }
    return $response;
}
