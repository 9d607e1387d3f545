plugins {
    alias(libs.plugins.android.application)
}

android {
    namespace = "hanji.demo"
    compileSdk = libs.versions.compile.sdk.get().toInt()

    defaultConfig {
        applicationId = "hanji.demo"
        minSdk = libs.versions.min.sdk.get().toInt()
        targetSdk = libs.versions.target.sdk.get().toInt()
        versionCode = 1
        versionName = "0.1.0"
        ndk { abiFilters += listOf("arm64-v8a", "x86_64") }
    }

    // One engine per variant: "tflite" is what the script builds by default, "onnx" what it builds with --aar.
    flavorDimensions += "engine"
    productFlavors {
        create("tflite") { dimension = "engine" }
        create("onnx") { dimension = "engine" }
    }

    buildTypes {
        release {
            isMinifyEnabled = true
            proguardFiles(getDefaultProguardFile("proguard-android-optimize.txt"), "proguard-rules.pro")
        }
    }

    // Models are stored uncompressed in the APK, so that the app can read them directly.
    androidResources { noCompress += listOf("tflite", "onnx", "json", "sha256", "md") }

    for (format in listOf("tflite", "onnx")) {
        sourceSets[format].assets.srcDir(layout.buildDirectory.dir("bundles-$format"))
    }
}

// The bundles of `make demo`; apk/assets.py documents which files the app needs.
for ((format, other) in listOf("tflite" to "onnx", "onnx" to "tflite")) {
    val bundles = tasks.register<Sync>("bundles-$format") {
        val output = rootDir.resolve("../out")
        mapOf("recommender" to "demo", "classifier" to "demo-digits").forEach { (folder, name) ->
            from(output.resolve("$name/bundle")) {
                into(folder)
                exclude("tfjs/**", "*.$other")
            }
        }
        into(layout.buildDirectory.dir("bundles-$format"))
    }
    tasks.named("preBuild") { dependsOn(bundles) }
}

dependencies {
    implementation(project(":core"))
    "onnxImplementation"(libs.onnxruntime.android)
    "tfliteImplementation"(libs.javacpp)
    "tfliteImplementation"(libs.javacpp.tensorflow.lite)
    for (processor in listOf("android-arm64", "android-x86_64")) {
        "tfliteImplementation"(variantOf(libs.javacpp.tensorflow.lite) { classifier(processor) })
    }
}
